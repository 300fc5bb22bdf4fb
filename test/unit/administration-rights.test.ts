import { describe, expect, it } from '@jest/globals';
import {
  type AdministrativeRole,
  administrativeRoles,
  type Grants,
  may,
  mayManage,
  permissions,
  rolesAt,
} from '../../src/admin/permissions.ts';

const nobody = { subs: [], roles: [], groups: [] };

const grants = (changes: Partial<Grants> = {}): Grants => ({
  tenant: 'acme',
  administration: {
    administrators: { subs: ['anna'], roles: ['tenant-admin'], groups: ['it'] },
    helpDesk: { ...nobody, roles: ['support'] },
    auditors: { ...nobody, groups: ['audit'] },
  },
  server: { tenant: 'operations', operators: { subs: ['olga'], roles: ['root'], groups: [] } },
  ...changes,
});

const person = (sub: string, more: { roles?: readonly string[]; groups?: readonly string[] } = {}) => ({
  sub,
  roles: more.roles ?? [],
  groups: more.groups ?? [],
});

describe('administrative roles', () => {
  it.each([
    ['by sub', 'acme', person('anna'), ['administrator']],
    ['by role', 'acme', person('x', { roles: ['tenant-admin'] }), ['administrator']],
    ['by group', 'acme', person('x', { groups: ['it'] }), ['administrator']],
    ['several', 'acme', person('x', { roles: ['support'], groups: ['audit'] }), ['helpDesk', 'auditor']],
    ['of the server', 'operations', person('x', { roles: ['root'] }), ['operator']],
    ['of the server, at another tenant', 'acme', person('olga', { roles: ['root'] }), []],
    ['of the tenant, at another tenant', 'globex', person('anna', { roles: ['tenant-admin'] }), []],
    ['of the tenant, at the tenant of operators', 'operations', person('anna', { groups: ['it'] }), []],
    ['none', 'acme', person('x', { roles: ['staff'] }), []],
    ['of a key with roles of its own', 'acme', { roles: ['support'], groups: [] }, ['helpDesk']],
    ['of a key without the role', 'acme', { roles: [], groups: [] }, []],
  ] as const)('are those that the files grant: %s', (_, home, grantee, expected) => {
    expect(rolesAt(grants(), home, grantee)).toEqual(expected);
  });

  it('make nobody an operator where no tenant is named', () => {
    const server = { operators: { subs: ['olga'], roles: [], groups: [] } };
    expect(rolesAt(grants({ server }), 'acme', person('olga'))).toEqual([]);
  });

  it('have the permissions of the table', () => {
    const table = administrativeRoles.map((role) => [
      role,
      permissions.filter((permission) => may([role], permission)),
    ]);
    expect(Object.fromEntries(table)).toEqual({
      operator: [...permissions],
      administrator: [...permissions],
      helpDesk: ['people.read', 'people.unlock', 'people.resetFactors', 'signIns.read', 'signIns.end'],
      auditor: ['people.read', 'systemUsers.read', 'keys.read', 'signIns.read', 'audit.read'],
    });
  });

  it('lead to no right that somebody does not have', () => {
    const allowed = (own: AdministrativeRole): readonly AdministrativeRole[] =>
      administrativeRoles.filter((theirs) => mayManage([own], [theirs]));
    expect(Object.fromEntries(administrativeRoles.map((role) => [role, allowed(role)]))).toEqual({
      operator: [...administrativeRoles],
      administrator: ['administrator', 'helpDesk', 'auditor'],
      helpDesk: ['helpDesk'],
      auditor: ['auditor'],
    });
    expect(mayManage(['helpDesk'], [])).toBe(true);
    expect(mayManage(['helpDesk', 'auditor'], ['auditor'])).toBe(true);
  });
});
