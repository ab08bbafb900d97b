/** Fails the run unless the tests truly run in workerd: a pool that fell back to Node would look green. */
if (navigator.userAgent !== 'Cloudflare-Workers') {
  throw new Error(
    `these tests must run in workerd, not in ${navigator.userAgent}: mend the pool, do not delete this check`,
  );
}
