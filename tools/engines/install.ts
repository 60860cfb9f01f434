import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { FOLDER, reasonOf, run, Unavailable } from './engine.ts';

/** Installs a requirement in a folder of its own, unless exactly this requirement is already there. */
const installOnce = async (
  name: string,
  requirement: string,
  install: (folder: string) => Promise<void>,
): Promise<string> => {
  const folder = path.join(FOLDER, name);
  const marker = path.join(folder, 'installed');
  // Includes the folder, because virtual environments stop working when they are moved.
  const content = `${requirement}\n${folder}\n`;
  if (existsSync(marker) && readFileSync(marker, 'utf8') === content) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  console.log(`Installing ${requirement} …`);
  try {
    await install(folder);
  } catch (cause) {
    throw new Unavailable(`${requirement} could not be installed: ${reasonOf(cause)}`, { cause });
  }
  writeFileSync(marker, content);
  return folder;
};

/**
 * Installs a Python package into its own virtual environment.
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

/** @throws Unavailable unless at least this version of Java is installed */
const requireJava = async (program: string, minVersion: number): Promise<void> => {
  const output = await run('java', ['-version'], { isQuiet: true }).catch((error: Error) => {
    throw new Unavailable(`${program} needs Java ${minVersion}: ${reasonOf(error)}`, { cause: error });
  });
  const [, version] = /version "(?:1\.)?(\d+)/.exec(output) ?? [];
  if (Number(version) < minVersion) throw new Unavailable(`${program} needs Java ${minVersion}, found ${version}`);
};

/**
 * Installs a Java program and its dependencies from Maven Central, with the machine's Maven and its configured mirrors.
 * @param artifact `group:artifact:version`
 * @param javaVersion minimum version
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

/**
 * Builds a Go program that needs one module.
 * @param module `path@version`
 * @returns the path of the program
 * @throws Unavailable without Go or the module; CommandFailed for a program that does not compile
 */
export const installGo = async (name: string, module: string, source: string): Promise<string> => {
  const folder = await installOnce(name, module, async (target) => {
    await run('go', ['mod', 'init', name], { cwd: target, isQuiet: true });
    await run('go', ['get', module], { cwd: target, isQuiet: true });
  });
  copyFileSync(source, path.join(folder, 'main.go'));
  await run('go', ['build', '-mod=mod', '-o', 'program', '.'], { cwd: folder, isQuiet: true });
  return path.join(folder, 'program');
};
