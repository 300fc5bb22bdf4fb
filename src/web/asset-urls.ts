import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brandStylesheet } from './brand-color.ts';

/** Addresses that change with the content, so that browsers may cache each of them without limit. */
export interface AssetUrls {
  readonly names: ReadonlySet<string>;
  /** @throws Error for a name that is not in the folder: a mistake in a view. */
  file(name: string): string;
  /** The stylesheet of a brand colour, `#rrggbb`. */
  brand(color: string): string;
}

const fingerprint = (content: string | Buffer): string =>
  createHash('sha256').update(content).digest('hex').slice(0, 12);

/** `drawbridge.css` and its fingerprint become `drawbridge.<fingerprint>.css`. */
const withFingerprint = (name: string, mark: string): string => name.replace(/(?=\.[^.]+$)/, `.${mark}`);

export const openAssetUrls = (folder: string): AssetUrls => {
  const files = new Map(
    readdirSync(folder).map((name) => [
      name,
      `/assets/${withFingerprint(name, fingerprint(readFileSync(join(folder, name))))}`,
    ]),
  );
  return {
    names: new Set(files.keys()),
    file(name) {
      const url = files.get(name);
      if (url === undefined) throw new Error(`There is no asset ${name} in ${folder}`);
      return url;
    },
    brand(color) {
      const hex = color.toLowerCase();
      return `/assets/brand/${hex.slice(1)}.${fingerprint(brandStylesheet(hex))}.css`;
    },
  };
};
