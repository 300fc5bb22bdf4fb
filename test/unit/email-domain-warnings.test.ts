import { describe, expect, it } from '@jest/globals';
import { withoutEmailDomain } from '../../src/config/source/email-domain-warnings.ts';
import { loadTenant } from '../../src/config/tenant/tenant-file.ts';

const definition = (() => {
  const loaded = loadTenant({
    id: 'acme',
    text: `displayName: Acme
demo: true
sources: [{ id: corp, type: http, url: https://old.test/check }, { id: local, type: local }]
users: [{ username: a@acme.example, password: lantern orbit mosaic, email: a@mail.example }]
`,
    path: 'acme.yaml',
    env: {},
  });
  if ('faults' in loaded) throw new Error('the tenant is at fault');
  return loaded.definition;
})();

describe('a warning of a domain that no source lists', () => {
  it('knows the domains of the users of the file, by their names and by their addresses', () => {
    expect(withoutEmailDomain(definition, 'b@acme.example')).toEqual([]);
    expect(withoutEmailDomain(definition, 'B@Mail.Example')).toEqual([]);
    expect(withoutEmailDomain(definition, 'b@other.example')).toEqual([
      expect.stringContaining('no source lists other.example: corp can give people verified addresses'),
    ]);
  });
});
