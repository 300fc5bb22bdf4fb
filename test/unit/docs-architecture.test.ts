import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../src/package-root.ts';
import { readSourceFiles } from '../support/source-files.ts';

const root = packageRoot();
const page = readFileSync(join(root, 'docs', 'architecture.md'), 'utf8').replace(/^```[\s\S]*?^```$/gm, '');
const files = new Map(readSourceFiles(root, 'src').map((file) => [file.path, file]));
const code = [...files.values()].map((file) => file.code).join('\n');

const spans = [...new Set([...page.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span))];
const isFile = (span: string): boolean => /^[\w./-]+\.(?:ts|mjs|js|md|yaml|json|eta|css)$/.test(span);
const isFolder = (span: string): boolean => /^[\w-]+(?:\/[\w-]+)*\/$/.test(span);
/** camelCase or PascalCase, as functions, types and members are called. */
const isIdentifier = (span: string): boolean =>
  /^(?:[a-z]+(?:[A-Z][a-z0-9]*)+|[A-Z][a-z]+(?:[A-Z][a-z0-9]*)*)$/.test(span);

const exists = (path: string): boolean => existsSync(join(root, path)) || existsSync(join(root, 'src', path));

/** `file.ts` (`one`, `two`): what is said to be in it. */
const placed = [...page.matchAll(/`([\w./-]+\.ts)` \(([^()]*)\)/g)].flatMap(([, file = '', inside = '']) =>
  [...inside.matchAll(/`(\w+)`/g)].map(([, name = '']) => [file, name] as const),
);

const hasWord = (text: string, word: string): boolean => new RegExp(String.raw`\b${word}\b`).test(text);

describe('docs/architecture.md', () => {
  it('names enough to be checked', () => {
    expect(spans.filter(isFile).length).toBeGreaterThan(60);
    expect(placed.length).toBeGreaterThan(30);
  });

  it('names files and folders that exist', () => {
    expect(spans.filter((span) => (isFile(span) || isFolder(span)) && !exists(span))).toEqual([]);
  });

  it('names identifiers that exist', () => {
    expect(spans.filter((span) => isIdentifier(span) && !hasWord(code, span))).toEqual([]);
  });

  it('names identifiers in the files that hold them', () => {
    const misplaced = placed.filter(([file, name]) => !hasWord(files.get(`src/${file}`)?.code ?? '', name));
    expect(misplaced).toEqual([]);
  });

  it('has a row for each cookie that the files of cookies name', () => {
    const named = [...files.values()]
      .filter(({ path }) => path.endsWith('/cookies.ts'))
      .flatMap(({ code: text }) => [
        ...[...text.matchAll(/name: '(\w+)'/g)].map(([, name = '']) => name),
        ...[...text.matchAll(/(drawbridge\.[a-z]+\.)\$\{/g)].map(([, name = '']) => `${name}<id>`),
        ...[...text.matchAll(/(?:type ProviderCookie = )(.*);/g)].flatMap(([, union = '']) =>
          union.split('|').map((name) => `drawbridge.${name.trim().slice(1, -1)}`),
        ),
      ]);
    expect(named.length).toBeGreaterThan(7);
    expect(named.filter((name) => !page.includes(`| \`${name}\` |`))).toEqual([]);
  });

  it('has a row for each room and each folder inside a room', () => {
    const folders = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${join(entry.parentPath, entry.name).slice(join(root, 'src').length + 1)}/`);
    expect(folders.filter((folder) => !spans.includes(folder))).toEqual([]);
  });
});
