import { fileURLToPath } from 'node:url';
import type { BuildOptions } from 'esbuild';
import { readTemplate } from '../local/template.ts';

const TEMPLATE = fileURLToPath(new URL('../template.yaml', import.meta.url));

/** The Metadata that all functions in the template share: options of SAM's esbuild builder. */
type Metadata = {
  BuildProperties: {
    Format: 'cjs';
    Target: string;
    MainFields: string;
    Minify: boolean;
    Sourcemap: boolean;
    External: string[];
  };
};

/** The esbuild options with which SAM builds the functions, read from template.yaml. Entry points and output are missing. */
export const readBundleOptions = (): BuildOptions => {
  const metadata = readTemplate(TEMPLATE).Resources.WebhookFunction?.Metadata;
  if (!metadata) throw new Error('template.yaml: WebhookFunction has no Metadata');
  const { Format, Target, MainFields, Minify, Sourcemap, External } = (metadata as Metadata).BuildProperties;
  return {
    // SAM always sets these two.
    bundle: true,
    platform: 'node',
    format: Format,
    target: Target,
    mainFields: MainFields.split(','),
    minify: Minify,
    sourcemap: Sourcemap,
    external: External,
  };
};
