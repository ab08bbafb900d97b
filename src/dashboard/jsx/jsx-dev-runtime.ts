/** What vitest makes of `<type …>`; the same. */
export { Fragment, jsx as jsxDEV } from './jsx-runtime.ts';
