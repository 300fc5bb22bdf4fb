// Who may do what by the administration API. The table is the whole of it: an operation names one permission, and an
// administrative role has it or not.
import type {
  AdministrationGrant,
  TenantAdministration,
} from '../config/tenant/administration-definition.ts';
import type { AccountRecord } from '../storage/storage.ts';

/** `operator`: of the server, at all tenants; the others at their own tenant. */
export const administrativeRoles = ['operator', 'administrator', 'helpDesk', 'auditor'] as const;

export type AdministrativeRole = (typeof administrativeRoles)[number];

export const permissions = [
  'people.read',
  'people.unlock',
  'people.resetFactors',
  'people.change',
  'systemUsers.read',
  'systemUsers.change',
  'keys.read',
  'keys.change',
  'signIns.read',
  'signIns.end',
  'audit.read',
] as const;

export type Permission = (typeof permissions)[number];

const o = true;
const _ = false;

// biome-ignore format: columns
export const permissionTable: Readonly<Record<Permission, Readonly<Record<AdministrativeRole, boolean>>>> = {
  'people.read':         { operator: o, administrator: o, helpDesk: o, auditor: o },
  'people.unlock':       { operator: o, administrator: o, helpDesk: o, auditor: _ },
  'people.resetFactors': { operator: o, administrator: o, helpDesk: o, auditor: _ },
  'people.change':       { operator: o, administrator: o, helpDesk: _, auditor: _ },
  'systemUsers.read':    { operator: o, administrator: o, helpDesk: _, auditor: o },
  'systemUsers.change':  { operator: o, administrator: o, helpDesk: _, auditor: _ },
  'keys.read':           { operator: o, administrator: o, helpDesk: _, auditor: o },
  'keys.change':         { operator: o, administrator: o, helpDesk: _, auditor: _ },
  'signIns.read':        { operator: o, administrator: o, helpDesk: o, auditor: o },
  'signIns.end':         { operator: o, administrator: o, helpDesk: o, auditor: _ },
  'audit.read':          { operator: o, administrator: o, helpDesk: _, auditor: o },
};

export const may = (roles: readonly AdministrativeRole[], permission: Permission): boolean =>
  roles.some((role) => permissionTable[permission][role]);

/** Who somebody is, as far as rights depend on it. */
export type Grantee = Pick<AccountRecord, 'roles' | 'groups'> & {
  /** Absent: an API key with roles of its own, which has the rights of those alone. */
  readonly sub?: string;
};

export interface Grants {
  /** Id of the tenant whose rights are asked for. */
  readonly tenant: string;
  readonly administration: TenantAdministration;
  /** Of the server; `tenant` is the one at which its operators sign in. */
  readonly server: { readonly tenant?: string; readonly operators: AdministrationGrant };
}

const isGranted = (grant: AdministrationGrant, { sub, roles, groups }: Grantee): boolean =>
  (sub !== undefined && grant.subs.includes(sub)) ||
  grant.roles.some((role) => roles.includes(role)) ||
  grant.groups.some((group) => groups.includes(group));

/**
 * The roles that somebody has at a tenant.
 * @param home id of the tenant at which they have their account
 */
export const rolesAt = (
  { tenant, administration, server }: Grants,
  home: string,
  grantee: Grantee,
): readonly AdministrativeRole[] => {
  const { administrators, helpDesk, auditors } = administration;
  const own = (grant: AdministrationGrant): boolean => home === tenant && isGranted(grant, grantee);
  const held: readonly (readonly [AdministrativeRole, boolean])[] = [
    ['operator', home === server.tenant && isGranted(server.operators, grantee)],
    ['administrator', own(administrators)],
    ['helpDesk', own(helpDesk)],
    ['auditor', own(auditors)],
  ];
  return held.flatMap(([role, isHeld]) => (isHeld ? [role] : []));
};

/**
 * May somebody with these roles change an account with those? Not one that has a right more, or the change would be a way to
 * that right: a key of an operator, made by an administrator of the operators' tenant, would open all tenants.
 */
export const mayManage = (
  own: readonly AdministrativeRole[],
  theirs: readonly AdministrativeRole[],
): boolean =>
  own.includes('operator') ||
  (!theirs.includes('operator') &&
    permissions.every((permission) => !may(theirs, permission) || may(own, permission)));
