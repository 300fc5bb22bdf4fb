import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { formatFault } from '../../src/config/parsing/fault.ts';
import { loadServerSettings } from '../../src/config/server/load-server-settings.ts';
import { loadTenant } from '../../src/config/tenant/tenant-file.ts';
import { identityHeaderNames } from '../../src/gateway/answer/identity-headers.ts';
import { packageRoot } from '../../src/package-root.ts';
import { documentedBlocks } from '../support/documented.ts';

const pages = [
  'gateway.md',
  ...readdirSync(join(packageRoot(), 'docs', 'gateway')).map((name) => join('gateway', name)),
];

/** Of another program: the first line says of which. The replays run these. */
const isForeign = (text: string): boolean => /^# (?:Traefik|Envoy)\n/.test(text);

const faultsOfServer = (text: string): readonly string[] => {
  const cwd = mkdtempSync(join(tmpdir(), 'drawbridge-docs-'));
  mkdirSync(join(cwd, 'config'));
  writeFileSync(join(cwd, 'config', 'server.yaml'), text);
  const loaded = loadServerSettings({ env: {}, cwd, cores: 2 });
  rmSync(cwd, { recursive: true });
  return 'faults' in loaded ? loaded.faults.map(formatFault) : [];
};

const faultsOfTenant = (text: string): readonly string[] => {
  const env = new Proxy({}, { get: () => 'a-secret-of-the-tests-0123456789-abcdef' });
  const loaded = loadTenant({ id: 'acme', text, path: 'acme.yaml', env, readFile: () => Buffer.of() });
  return 'faults' in loaded ? loaded.faults.map(formatFault) : [];
};

describe.each(pages)('%s', (page) => {
  it('shows files that would be taken', () => {
    const examples = documentedBlocks(page, 'yaml').filter((text) => !isForeign(text));
    expect(examples.length).toBeGreaterThan(0);
    for (const text of examples)
      expect(parse(text).displayName === undefined ? faultsOfServer(text) : faultsOfTenant(text)).toEqual([]);
  });
});

it('gateway.md names every header that a service is sent', () => {
  const text = readFileSync(join(packageRoot(), 'docs', 'gateway.md'), 'utf8');
  for (const name of identityHeaderNames) expect(text).toContain(`\`${name}\``);
});
