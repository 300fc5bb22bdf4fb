import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { formatFault } from '../../src/config/parsing/fault.ts';
import { loadTenant } from '../../src/config/tenant/tenant-file.ts';
import { packageRoot } from '../../src/package-root.ts';
import { type Certificate, createCertificateAuthority } from '../support/slapd-certificates.ts';

const folder = join(packageRoot(), 'tenants/examples');
const names = readdirSync(folder);
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

let authority: Awaited<ReturnType<typeof createCertificateAuthority>>;
let client: Certificate;
beforeAll(async () => {
  authority = await createCertificateAuthority();
  client = await authority.issue('DNS:drawbridge.test');
});
afterAll(() => authority.remove());

const readSecret = (path: string): Buffer => {
  if (path.endsWith('-ca.pem')) return Buffer.from(authority.ca);
  return Buffer.from(path.endsWith('.key') ? client.key : 'a-secret-of-the-tests-0123456789-abcdef');
};

const load = (name: string) =>
  loadTenant({
    id: 'example',
    path: name,
    text: read(name),
    env: new Proxy({}, { get: () => 'a-secret-of-the-tests-0123456789-abcdef' }),
    readFile: readSecret,
  });

describe('the examples of tenants', () => {
  it.each(names)('%s would be taken as it is, given its secrets', (name) => {
    const loaded = load(name);
    expect('faults' in loaded ? loaded.faults.map(formatFault) : []).toEqual([]);
  });

  it('show each kind of source', () => {
    const types = names.flatMap((name) => {
      const loaded = load(name);
      return 'definition' in loaded ? loaded.definition.sources.map(({ type }) => type) : [];
    });
    expect([...new Set(types)].sort()).toEqual(['http', 'ldap', 'local', 'oauth2', 'oidc']);
  });

  it.each(names)('%s says that it is not served, and points to its schema', (name) => {
    expect(read(name).split('\n')[0]).toBe('# yaml-language-server: $schema=../../config/tenant.schema.json');
    expect(read(name).replace(/\n# /g, ' ')).toContain('Files in this folder are not served');
  });
});

describe('the JSON schema of a tenant', () => {
  const schema = z.fromJSONSchema(
    JSON.parse(readFileSync(join(packageRoot(), 'config/tenant.schema.json'), 'utf8')),
  );
  const isTaken = (text: string): boolean => schema.safeParse(parse(text)).success;

  it.each(names)('takes %s', (name) => {
    expect(isTaken(read(name))).toBe(true);
  });

  it.each([
    'sources: [{ id: a, type: saml }]',
    'sources: [{ id: a, type: local, url: x }]',
    'sources: [{ id: a, type: http, url: https://x.example, mapping: [{ move: x }] }]',
    'sources: [{ preset: gogle }]',
  ])('refuses %s', (text) => {
    expect(isTaken(text)).toBe(false);
  });
});
