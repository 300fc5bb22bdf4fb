import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { formatFault } from '../../src/config/parsing/fault.ts';
import { loadServerSettings } from '../../src/config/server/load-server-settings.ts';
import { loadTenant } from '../../src/config/tenant/tenant-file.ts';
import { packageRoot } from '../../src/package-root.ts';

const folder = mkdtempSync(join(tmpdir(), 'drawbridge-docs-'));
afterAll(() => rmSync(folder, { recursive: true }));

const env = new Proxy(
  {},
  {
    get: (_, name) =>
      /^ACME_/.test(String(name)) ? `a-secret-of-the-tests-${String(name)}-0123456789` : undefined,
  },
);

/** Files of ours are marked `yaml`, those of others `yml`. */
const examplesOf = (page: string): readonly string[] =>
  [
    ...readFileSync(join(packageRoot(), 'docs', 'gateway', page), 'utf8').matchAll(
      /^```yaml\n([\s\S]*?)^```$/gm,
    ),
  ].map(([, text = '']) => text);

const loadServer = (text: string) => {
  const file = join(folder, 'server.yaml');
  writeFileSync(file, text);
  return loadServerSettings({ file, cwd: folder, env: {} });
};

const faultsOf = (text: string): readonly string[] => {
  const loaded = text.startsWith('displayName:')
    ? loadTenant({ id: 'acme', text, path: 'acme.yaml', env })
    : loadServer(text);
  return 'faults' in loaded ? loaded.faults.map(formatFault) : [];
};

describe.each([
  ['external-gateways.md', 6],
  ['first-try.md', 1],
])('%s', (page, count) => {
  it('shows files that would be taken', () => {
    const examples = examplesOf(page);
    expect(examples).toHaveLength(count);
    for (const text of examples) expect(faultsOf(text)).toEqual([]);
  });
});

describe('the first try', () => {
  it('goes from its file to an open gateway by the variable alone', () => {
    const [text = ''] = examplesOf('first-try.md');
    const file = join(folder, 'server.yaml');
    writeFileSync(file, text);
    const loaded = loadServerSettings({ file, cwd: folder, env: { AUTH_ENABLED: 'false' } });
    expect('settings' in loaded ? loaded.settings.gateway.enabled : loaded.faults).toBe(false);
  });
});
