import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';

/**
 * The fenced blocks of a page of `docs/` in one language, so that what is documented is what a test runs.
 * @param page such as `gateway/nginx.md`
 */
export const documentedBlocks = (page: string, language: string): readonly string[] =>
  [...readFileSync(join(packageRoot(), 'docs', page), 'utf8').matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter(([, own]) => own === language)
    .map(([, , text = '']) => text);

/** @throws Error when the text does not hold one of the words: it would run with the address of the documentation */
export const withReplaced = (text: string, replacements: Readonly<Record<string, string>>): string => {
  let replaced = text;
  for (const [word, by] of Object.entries(replacements)) {
    if (!replaced.includes(word)) throw new Error(`the documentation no longer says ${word}`);
    replaced = replaced.replaceAll(word, by);
  }
  return replaced;
};
