export default () => globalThis.removeTemporaryFiles();
