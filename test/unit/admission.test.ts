import { describe, expect, it } from '@jest/globals';
import { isAdmittedTo } from '../../src/accounts/admission.ts';
import type { SourceDefinition } from '../../src/config/source/source-definition.ts';
import type { AccountRecord } from '../../src/storage/storage.ts';
import { createScriptedSource } from '../support/scripted-source.ts';

const account = (changes: Partial<AccountRecord>): AccountRecord => ({
  sub: 's',
  logins: [],
  username: 'eve',
  claims: {},
  groups: [],
  roles: [],
  origin: 'source',
  createdAt: 1,
  updatedAt: 1,
  version: 1,
  ...changes,
});
const atCorp = { identities: [{ source: 'corp', subject: '1', linkedAt: 1, checkedAt: 1 }] };
const corp = createScriptedSource('corp').connector.definition;
const { adopt: _adopt, ...common } = corp;
const local = { ...common, id: 'local', type: 'local', adopt: 'off' } as SourceDefinition; // what others have beside does no harm
const admits = (sources: readonly SourceDefinition[], who: Partial<AccountRecord>, demo = false) =>
  isAdmittedTo({ demo, sources }, account(who));

describe('a tenant has a place for', () => {
  it('people of the sources in its file', () => {
    expect(admits([corp], atCorp)).toBe(true);
    expect(admits([local], atCorp)).toBe(false);
    expect(admits([local], {})).toBe(false);
  });

  it('people of a source that was taken out, once their password was adopted', () => {
    const adopted = { ...atCorp, passwordHash: '$argon2id$', adoptedFrom: 'corp' };
    expect(admits([local], adopted)).toBe(true);
    expect(admits([createScriptedSource('other').connector.definition], adopted)).toBe(false);
  });

  it('its local people always, and demo users while it is a demo', () => {
    expect(admits([corp], { origin: 'local' })).toBe(true);
    expect(admits([local], { origin: 'demo' }, true)).toBe(true);
    expect(admits([local], { origin: 'demo' })).toBe(false);
  });
});
