import type { Fault } from '../parsing/fault.ts';
import type { MailSettings } from '../server/mail-settings.ts';
import type { TenantDefinition } from './tenant-definition.ts';

/**
 * Settings of a tenant that need a mail server, where there is none. A demo tenant needs none: a page shows its mails.
 * @param path of the tenant's file, as faults show it
 */
export const unmetMailNeeds = (
  { demo, recovery }: Pick<TenantDefinition, 'demo' | 'recovery'>,
  mail: MailSettings | undefined,
  path: string,
): readonly Fault[] => {
  if (demo || mail !== undefined || recovery === undefined) return [];
  const message =
    'is mail, but the server has no mail server; set mail.host and mail.from in config/server.yaml, or write off';
  return [{ file: path, path: 'recovery.password', message }];
};
