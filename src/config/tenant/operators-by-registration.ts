import type { Fault } from '../parsing/fault.ts';
import type { ServerSettings } from '../server/server-settings.ts';
import type { TenantDefinition } from './tenant-definition.ts';

/**
 * Roles and groups that strangers get at the tenant where operators sign in, and that would make them operators of the server.
 * @param file the tenant's file, as faults show it
 */
export const operatorsByRegistration = (
  { id, registration }: Pick<TenantDefinition, 'id' | 'registration'>,
  { tenant, operators }: Pick<ServerSettings['administration'], 'tenant' | 'operators'>,
  file: string,
): readonly Fault[] =>
  id !== tenant || registration === undefined
    ? []
    : ([['roles', 'operatorRoles'] as const, ['groups', 'operatorGroups'] as const] as const).flatMap(
        ([kind, granted]) =>
          registration[kind]
            .filter((name) => operators[kind].includes(name))
            .map((name) => ({
              file,
              path: `registration.${kind}`,
              message: `gives ${name} to everybody who makes an account, and administration.${granted} of the server makes an operator of it; remove it in one of the two places`,
            })),
      );
