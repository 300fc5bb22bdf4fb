import type { TestServer } from './test-server.ts';

/** The mails of a demo tenant, the newest first, once all that was asked for are written. */
export const shownMails = async ({ instances }: Pick<TestServer, 'instances'>, tenant: string) => {
  for (const { afterAnswer } of instances) await afterAnswer.idle();
  const found = await instances[0]?.tenants.find(tenant);
  if (found?.status !== 'served') throw new Error(`no tenant ${tenant}`);
  return found.tenant.mail.shown(50);
};

/** The code of the newest of them; empty when it has none. */
export const lastMailedCode = async (
  server: Pick<TestServer, 'instances'>,
  tenant: string,
): Promise<string> => {
  const [mail] = await shownMails(server, tenant);
  return /\b\d{8}\b/.exec(mail?.text ?? '')?.[0] ?? '';
};
