/** People and system users who have rights over others: by sub, or by a role or group that they have. */
export interface AdministrationGrant {
  readonly subs: readonly string[];
  readonly roles: readonly string[];
  readonly groups: readonly string[];
}

export interface TenantAdministration {
  readonly administrators: AdministrationGrant;
  readonly helpDesk: AdministrationGrant;
  readonly auditors: AdministrationGrant;
}
