import { z } from 'zod';
import type { FaultPath, PathFault } from '../parsing/fault.ts';
import { plainText } from '../parsing/field-types.ts';
import type { AdministrationGrant } from './administration-definition.ts';

const names = (description: string) => z.array(plainText(200)).default([]).meta({ description });

const grant = (description: string) =>
  z
    .strictObject({
      subs: names('People and system users, by sub: npx --no drawbridge user list shows it.'),
      roles: names('Whoever has one of these roles.'),
      groups: names('Whoever is in one of these groups.'),
    })
    .prefault({})
    .meta({ description });

/** `administration` of a tenant's file. */
export const administrationSchema = z.strictObject({
  administrators: grant('May do everything in this tenant that the administration API offers.'),
  helpDesk: grant(
    'See people and their sign-ins, unlock people, remove their second factors, and end sign-ins.',
  ),
  auditors: grant('See everything, the audit record included, and change nothing.'),
});

export type AdministrationFile = z.infer<typeof administrationSchema>;

export const administrativeRoles = ['administrators', 'helpDesk', 'auditors'] as const;

/** Roles and groups that strangers could get are no ground for rights over others. */
export const checkAdministration = (
  administration: AdministrationFile,
  registration: Pick<AdministrationGrant, 'roles' | 'groups'> | undefined,
): readonly PathFault[] =>
  administrativeRoles.flatMap((name) =>
    (['roles', 'groups'] as const).flatMap((kind) =>
      administration[name][kind].flatMap((value, index): readonly PathFault[] => {
        const path: FaultPath = ['administration', name, kind, index];
        return registration?.[kind].includes(value) === true
          ? [
              {
                path,
                message: `is given by registration.${kind} to everybody who makes an account; remove it in one of the two places`,
              },
            ]
          : [];
      }),
    ),
  );
