import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { FOLDER, reasonOf, run, Unavailable } from './engine.ts';

/** Engines are installed once, each in a folder of its own. */

/** Installs into a folder unless exactly that is there already. */
const installOnce = async (name: string, what: string, install: (folder: string) => Promise<void>): Promise<string> => {
  const folder = path.join(FOLDER, name);
  const marker = path.join(folder, 'installed');
  // The folder is part of it: virtual environments don't work from where they were moved to.
  const content = `${what}\n${folder}\n`;
  if (existsSync(marker) && readFileSync(marker, 'utf8') === content) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  console.log(`Installing ${what} …`);
  try {
    await install(folder);
  } catch (cause) {
    throw new Unavailable(`${what} could not be installed: ${reasonOf(cause)}`, { cause });
  }
  writeFileSync(marker, content);
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

/** @throws Unavailable unless a Java of at least this version is there */
const requireJava = async (what: string, atLeast: number): Promise<void> => {
  const said = await run('java', ['-version'], { isQuiet: true }).catch((error: Error) => {
    throw new Unavailable(`${what} needs Java ${atLeast}: ${reasonOf(error)}`, { cause: error });
  });
  const [, version] = /version "(?:1\.)?(\d+)/.exec(said) ?? [];
  if (Number(version) < atLeast) throw new Unavailable(`${what} needs Java ${atLeast}, and this is ${version}`);
};

/**
 * A Java program with all that it depends on, from Maven Central, by the machine's Maven, which knows its mirrors.
 * @param artifact `group:artifact:version`
 * @param javaVersion what it needs at least
 * @returns the folder of its libraries
 * @throws Unavailable
 */
export const installJava = async (name: string, artifact: string, javaVersion: number): Promise<string> => {
  await requireJava(artifact, javaVersion);
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
