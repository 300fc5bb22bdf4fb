import { describe, expect, it } from '@jest/globals';
import { formatFault } from '../../src/config/parsing/fault.ts';
import { hashTenant, loadTenant } from '../../src/config/tenant/tenant-file.ts';

const key = 'a-key-that-nobody-guesses';
const env = { KEY: key, SHORT: 'too-short' };
const file = (registration: string, rest = '') => ({
  ...{ id: 'acme', path: 'acme.yaml', env },
  text: `displayName: Acme\nregistration: ${registration}\n${rest}`,
});
const rulesOf = (registration: string) => {
  const loaded = loadTenant(file(registration));
  if ('faults' in loaded) throw new Error(loaded.faults.map(formatFault).join('\n'));
  return loaded.definition.registration;
};
const faultsOf = (registration: string, rest?: string): readonly string[] => {
  const loaded = loadTenant(file(registration, rest));
  return 'faults' in loaded ? loaded.faults.map(({ path, message }) => `${path}: ${message}`) : [];
};
const check = (url: string, ref = 'env:KEY') => `{ mode: open, check: { url: "${url}", key: "${ref}" } }`;
const contoso = (domains: string) =>
  `{ id: contoso, type: http, url: "https://c.test/check", domains: ${domains} }`;

describe('registration in a tenant file', () => {
  it('is off unless it is written', () => {
    const loaded = loadTenant({ ...file('{ mode: open }'), text: 'displayName: Acme\n' });
    expect('definition' in loaded && 'registration' in loaded.definition).toBe(false);
  });

  it('has rules, and the key of its check', () => {
    expect(rulesOf('{ mode: invited }')).toEqual({ mode: 'invited', domains: [], roles: [], groups: [] });
    expect(rulesOf('{ mode: domains, domains: [acme.example], roles: [member], groups: [new] }')).toEqual({
      ...{ mode: 'domains', domains: ['acme.example'], roles: ['member'], groups: ['new'] },
    });
    expect(rulesOf(check('https://c.test/x'))?.check).toEqual({ url: 'https://c.test/x', key });
    expect(rulesOf(check('http://127.0.0.1:99/x'))?.check?.url).toBe('http://127.0.0.1:99/x');
  });

  it('gives nobody a role or group that has rights over others', () => {
    const administrators = (grant: string) => `administration: { administrators: ${grant} }\n`;
    expect(faultsOf('{ mode: open, roles: [member] }', administrators('{ roles: [boss] }'))).toEqual([]);
    expect(faultsOf('{ mode: open, roles: [boss] }', administrators('{ roles: [it, boss] }'))).toEqual([
      expect.stringMatching(/^administration\.administrators\.roles\.1: is given by registration\.roles/),
    ]);
    expect(faultsOf('{ mode: invited, groups: [it] }', administrators('{ groups: [it] }'))).toEqual([
      expect.stringMatching(/^administration\.administrators\.groups\.0: is given by registration\.groups/),
    ]);
  });

  it('is read again when the key changes', () => {
    const options = file(check('https://c.test/x'));
    expect(hashTenant({ ...options, env: { KEY: `${key}-2` } })).not.toBe(hashTenant(options));
  });

  it.each([
    ['{}', 'registration.mode: '],
    ['{ mode: closed }', 'registration.mode: '],
    ['{ mode: domains }', 'registration.domains: is missing'],
    ['{ mode: open, domains: [acme.example] }', 'registration.domains: has no effect with mode: open'],
    [
      '{ mode: domains, domains: ["@Acme.example"] }',
      'registration.domains.0: is not in its plain spelling; write acme.example',
    ],
    [check('http://c.test/x'), 'registration.check.url: is http and not a loopback address'],
    [check('https://u:p@c.test/x'), 'registration.check.url: has a user name before the host'],
    [
      check('https://c.test/x', 'env:ABSENT'),
      'registration.check.key: refers to the environment variable ABSENT',
    ],
    [check('https://c.test/x', 'env:SHORT'), 'registration.check.key: is shorter than 16 characters'],
    [check('https://c.test/x', key), 'registration.check.key: '],
  ])('refuses %s', (registration, fault) => {
    expect(faultsOf(registration)).toEqual([expect.stringContaining(fault)]);
    expect(faultsOf(registration).join()).not.toContain(key);
  });

  it('needs the local list, and no domain of another source', () => {
    expect(faultsOf('{ mode: open }', `sources: [${contoso('[]')}]\n`)).toEqual([
      expect.stringContaining('registration: needs the list of local users'),
    ]);
    const both = `sources: [{ id: local, type: local }, ${contoso('[c.test]')}]\n`;
    expect(faultsOf('{ mode: domains, domains: [acme.example, c.test] }', both)).toEqual([
      expect.stringContaining('registration.domains.1: belongs to the source contoso'),
    ]);
    expect(faultsOf('{ mode: domains, domains: [acme.example] }', both)).toEqual([]);
    // a source with a fault of its own is not compared with
    const wrong = 'sources: [{ id: local, type: lokal }]\n';
    expect(faultsOf('{ mode: open }', wrong).filter((fault) => fault.startsWith('registration'))).toEqual([]);
  });
});
