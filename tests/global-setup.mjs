import { useTemporaryFolder } from '../tools/temporary-folder.ts';

/** All temporary files of a run are in one folder, which the teardown removes. */
export default () => {
  globalThis.removeTemporaryFiles = useTemporaryFolder('boomerang-tests');
};
