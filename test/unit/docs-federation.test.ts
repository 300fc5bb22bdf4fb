import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { formatFault } from '../../src/config/parsing/fault.ts';
import { loadTenant } from '../../src/config/tenant/tenant-file.ts';
import { packageRoot } from '../../src/package-root.ts';
import { createCertificateAuthority } from '../support/slapd-certificates.ts';

const docs = join(packageRoot(), 'docs');
const pages = [
  'federation.md',
  ...readdirSync(join(docs, 'federation')).map((name) => join('federation', name)),
];

/** The YAML blocks of a page. */
const examplesOf = (page: string): readonly string[] =>
  [...readFileSync(join(docs, page), 'utf8').matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(
    ([, text = '']) => text,
  );

describe.each(pages)('%s', (page) => {
  it('shows tenant files that would be taken', async () => {
    const { ca, remove } = await createCertificateAuthority();
    const env = new Proxy({}, { get: () => 'a-secret-of-the-tests-0123456789-abcdef' });
    const examples = examplesOf(page);
    expect(examples.length).toBeGreaterThan(0);
    for (const text of examples) {
      const path = join('docs', page);
      const loaded = loadTenant({ id: 'acme', text, path, env, readFile: () => Buffer.from(ca) });
      expect('faults' in loaded ? loaded.faults.map(formatFault) : []).toEqual([]);
    }
    await remove();
  });
});
