import type { PathFault } from '../parsing/fault.ts';
import { readSecretLine, readTls, type SecretContext, type TlsFile } from '../parsing/tls-material.ts';
import type { TlsMaterial } from './source-definition.ts';

/** Takes the faults of one source; paths begin at it. */
export interface SourceContext extends SecretContext {
  readonly faults: PathFault[];
}

/** Undefined when it is at fault, which is noted. */
export const loadSecret = (
  text: string,
  path: PathFault['path'],
  context: SourceContext,
): string | undefined => {
  const read = readSecretLine(text, context);
  if (read.ok) return read.value;
  context.faults.push({ path, message: read.message });
  return undefined;
};

export const loadTls = (file: TlsFile, context: SourceContext): TlsMaterial => {
  const read = readTls(file, context);
  if (read.ok) return read.value;
  context.faults.push(...read.faults.map((fault) => ({ ...fault, path: ['tls', ...fault.path] })));
  return {};
};
