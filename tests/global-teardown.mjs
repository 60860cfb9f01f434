/** Removes the folder that `global-setup.mjs` created. */
export default () => globalThis.removeTemporaryFiles();
