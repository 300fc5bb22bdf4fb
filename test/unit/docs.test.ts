import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../src/package-root.ts';

const root = packageRoot();
const pages = ['.', 'docs', 'docs/decisions', 'docs/connect', 'docs/federation', 'docs/gateway'].flatMap(
  (folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
);

/** Targets of Markdown links and of pictures that are files of the repository. */
const linksOf = (page: string): readonly string[] => {
  const text = readFileSync(join(root, page), 'utf8').replace(/^```[\s\S]*?^```$/gm, '');
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)|src="([^"]+)"/g)].map(
    ([, link, picture]) => link ?? picture ?? '',
  );
  return targets.filter((target) => !/^[a-z]+:|^#/.test(target)).map((target) => target.replace(/#.*$/, ''));
};

describe('the documentation', () => {
  it('has pages with links', () => {
    expect(pages.flatMap(linksOf).length).toBeGreaterThan(5);
  });

  it.each(pages)('%s links to what is there', (page) => {
    expect(linksOf(page).filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([]);
  });
});
