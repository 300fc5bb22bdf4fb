import { describe, expect, it } from '@jest/globals';
import { formatFault } from '../../src/config/parsing/fault.ts';
import { loadTenant } from '../../src/config/tenant/tenant-file.ts';

const load = (passwords: string) => {
  const text = `displayName: Acme\npasswords: ${passwords}\n`;
  const loaded = loadTenant({ id: 'acme', text, path: 'acme.yaml', env: {} });
  return 'definition' in loaded
    ? { list: loaded.definition.breachedPasswords }
    : { faults: loaded.faults.map(formatFault) };
};

describe('passwords.breached', () => {
  it('is off by default', () => {
    expect(load('{}')).toEqual({ list: undefined });
  });

  it.each([
    ['{ url: https://api.pwnedpasswords.com }', 'https://api.pwnedpasswords.com', 2000],
    ['{ url: https://list.acme.example/pwned/, timeout: 500ms }', 'https://list.acme.example/pwned/', 500],
    ['{ url: http://127.0.0.1:8080, timeout: 10s }', 'http://127.0.0.1:8080', 10_000],
  ])('may be %s', (breached, url, timeoutMs) => {
    expect(load(`{ breached: ${breached} }`)).toEqual({ list: { url, timeoutMs } });
  });

  it.each([
    ['{}', /breached\.url: is missing/],
    ['true', /breached: /],
    ['{ url: http://list.acme.example }', /breached\.url: is http and not a loopback address; write https/],
    ['{ url: api.pwnedpasswords.com }', /breached\.url: is not a web address/],
    ['{ url: "https://u:p@list.acme.example" }', /breached\.url: has a user name before the host/],
    ['{ url: "https://list.acme.example/?key=1" }', /breached\.url: has a query; remove the \?/],
    [
      '{ url: https://list.acme.example, timeout: 50ms }',
      /breached\.timeout: is too short; write at least 100ms/,
    ],
    ['{ url: https://list.acme.example, timeout: 11s }', /breached\.timeout: is too long; write at most 10s/],
    [
      '{ url: https://list.acme.example, timout: 1s }',
      /breached\.timout: is not a known key; did you mean timeout/,
    ],
  ])('may not be %s', (breached, fault) => {
    expect(load(`{ breached: ${breached} }`)).toEqual({ faults: [expect.stringMatching(fault)] });
  });
});
