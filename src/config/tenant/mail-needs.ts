import type { Fault } from '../parsing/fault.ts';
import type { MailSettings } from '../server/mail-settings.ts';
import type { TenantDefinition } from './tenant-definition.ts';

/**
 * Settings of a tenant that need a mail server, where there is none. A demo tenant needs none: a page shows its mails.
 * @param file the tenant's file, as faults show it
 */
export const unmetMailNeeds = (
  {
    demo,
    recovery,
    registration,
    apiKeys,
    secondFactor,
    clients,
  }: Pick<TenantDefinition, 'demo' | 'recovery' | 'registration' | 'apiKeys' | 'secondFactor' | 'clients'>,
  mail: MailSettings | undefined,
  file: string,
): readonly Fault[] => {
  if (demo || mail !== undefined) return [];
  const needs = [
    ...(recovery === undefined ? [] : [['recovery.password', 'is mail', 'write off'] as const]),
    ...(registration === undefined ? [] : [['registration', 'sends mails', 'remove registration'] as const]),
    ...(apiKeys.verification === undefined
      ? []
      : [['apiKeys.verification', 'is mail', 'write off'] as const]),
    ...(apiKeys.contact === undefined ? [] : [['apiKeys.contact', 'gets mails', 'remove it'] as const]),
    ...(secondFactor.methods.includes('email')
      ? [['secondFactor.methods', 'holds email', 'remove email'] as const]
      : []),
    ...clients.flatMap(({ emailCode }, index) =>
      emailCode ? [[`clients.${index}.emailCode`, 'sends mails', 'remove it'] as const] : [],
    ),
  ];
  return needs.map(([path, need, otherwise]) => ({
    file,
    path,
    message: `${need}, but the server has no mail server; set mail.host and mail.from in config/server.yaml, or ${otherwise}`,
  }));
};
