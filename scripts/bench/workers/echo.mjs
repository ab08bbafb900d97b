/** What the server costs: it reads a body and sends it back. */
export default {
  async fetch(request) {
    return new Response(await request.arrayBuffer(), { headers: { 'Content-Type': 'application/octet-stream' } });
  },
};
