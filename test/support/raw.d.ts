/** Vite's way to bring a file's text into workerd, where there is no file system. */
declare module '*?raw' {
  const text: string;
  export default text;
}
