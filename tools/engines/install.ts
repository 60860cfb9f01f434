import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { FOLDER, run, Unavailable } from './engine.ts';

/** Engines are installed once, each in a folder of its own. */

/** Installs into a folder unless exactly that is there already. */
const installOnce = async (name: string, what: string, install: (folder: string) => Promise<void>): Promise<string> => {
  const folder = path.join(FOLDER, name);
  const marker = path.join(folder, 'installed');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === what) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  console.log(`Installing ${what} …`);
  try {
    await install(folder);
  } catch (cause) {
    const lastLine = (cause as Error).message.split('\n').at(-1);
    throw new Unavailable(`${what} could not be installed: ${lastLine}`, { cause });
  }
  writeFileSync(marker, what);
  return folder;
};

/**
 * A Python package in a virtual environment of its own.
 * @returns the folder of its commands
 * @throws Unavailable
 */
export const installPython = async (name: string, requirement: string): Promise<string> => {
  const folder = await installOnce(name, requirement, async (target) => {
    await run('python3', ['-m', 'venv', target], { isQuiet: true });
    const pip = ['install', '--quiet', '--disable-pip-version-check', requirement];
    await run(path.join(target, 'bin', 'pip'), pip, { isQuiet: true });
  });
  return path.join(folder, 'bin');
};

/**
 * A Java program with all that it depends on, from Maven Central.
 * @param artifact `group:artifact:version`
 * @returns the folder of its libraries
 * @throws Unavailable
 */
export const installJava = async (name: string, artifact: string): Promise<string> => {
  await run('java', ['-version'], { isQuiet: true }).catch((cause: Error) => {
    throw new Unavailable(`${artifact} needs Java: ${cause.message}`, { cause });
  });
  const [groupId, artifactId, version] = artifact.split(':');
  const folder = await installOnce(name, artifact, async (target) => {
    writeFileSync(
      path.join(target, 'pom.xml'),
      `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>boomerang</groupId>
  <artifactId>${name}</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${version}</version></dependency>
  </dependencies>
</project>
`,
    );
    const copy = ['--quiet', '--batch-mode', 'dependency:copy-dependencies', '-DoutputDirectory=lib'];
    await run('mvn', [...copy, '-DincludeScope=runtime'], { cwd: target, isQuiet: true });
  });
  return path.join(folder, 'lib');
};
