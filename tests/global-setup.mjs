import { useTemporaryFolder } from '../tools/temporary-folder.ts';

/** Puts all temporary files of a run into one folder, which the teardown removes. */
export default () => {
  globalThis.removeTemporaryFiles = useTemporaryFolder('boomerang-tests');
};
