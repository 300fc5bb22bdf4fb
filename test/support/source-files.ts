import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

export interface Import {
  /** As it is written. */
  readonly specifier: string;
  /** Gone after compilation. */
  readonly isTypeOnly: boolean;
}

export interface SourceFile {
  /** From the repository's root, with slashes. */
  readonly path: string;
  /** Without comments. */
  readonly code: string;
  /** Without code. */
  readonly comments: string;
  readonly lines: number;
  readonly imports: readonly Import[];
}

const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');

const commentsOf = (text: string): string =>
  (text.match(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm) ?? []).join('\n');

/** `import { type A, type B }` is compiled to an import of nothing, so it counts as one of types. */
const isTypeClause = (clause: string): boolean => {
  if (clause.startsWith('type ')) return true;
  const [, named] = /^\{([\s\S]*)\}$/.exec(clause) ?? [];
  const names = named?.split(',').map((name) => name.trim()) ?? [];
  const written = names.filter((name) => name !== '');
  return written.length > 0 && written.every((name) => name.startsWith('type '));
};

const importsOf = (code: string): readonly Import[] => [
  ...[...code.matchAll(/^import\s+([^'";]+?)\s+from\s+['"]([^'"]+)['"]/gm)].map(
    ([, clause = '', specifier = '']) => ({ specifier, isTypeOnly: isTypeClause(clause) }),
  ),
  ...[...code.matchAll(/^export\s+((?:type\s+)?(?:\*[^'";]*?|\{[^}]*\}))\s+from\s+['"]([^'"]+)['"]/gm)].map(
    ([, clause = '', specifier = '']) => ({ specifier, isTypeOnly: clause.startsWith('type ') }),
  ),
  ...[...code.matchAll(/^import\s+['"]([^'"]+)['"]/gm)].map(([, specifier = '']) => ({
    specifier,
    isTypeOnly: false,
  })),
  ...[...code.matchAll(/(typeof\s+)?\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)].map(
    ([, type, specifier = '']) => ({
      specifier,
      isTypeOnly: type !== undefined,
    }),
  ),
];

/** Everything that is written in TypeScript below `folder`. */
export const readSourceFiles = (root: string, folder: string): readonly SourceFile[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.m?ts$/.test(entry.name))
    .map((entry) => {
      const full = join(entry.parentPath, entry.name);
      const text = readFileSync(full, 'utf8');
      const code = withoutComments(text);
      return {
        path: relative(root, full).split(sep).join('/'),
        code,
        comments: commentsOf(text),
        lines: text.trimEnd().split('\n').length,
        imports: importsOf(code),
      };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));

/** Path of the imported file from the root; undefined for packages and what Node brings. */
export const resolveImport = (from: SourceFile, { specifier }: Import): string | undefined =>
  specifier.startsWith('.') ? join(dirname(from.path), specifier).split(sep).join('/') : undefined;

/** `@koa/send` of `@koa/send/x`, `oidc-provider` of `oidc-provider/lib/y`; undefined for files and `node:`. */
export const packageOf = ({ specifier }: Import): string | undefined => {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return undefined;
  const [scope = '', name = ''] = specifier.split('/');
  return scope.startsWith('@') ? `${scope}/${name}` : scope;
};
