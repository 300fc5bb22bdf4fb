// All that is kept of the person, as a file.
import type { Context } from 'koa';
import type { LoginPageParts } from '../login-form.ts';
import type { LoginTenant } from '../login-tenant.ts';
import { submittedBy, visitRecently } from './account-visit.ts';

export const submitExport = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const visit = await submittedBy(parts, ctx, () => visitRecently(parts, ctx, { tenant }));
  if (visit === undefined) return;
  const exported = await tenant.exportPerson(visit.account);
  ctx.set('Cache-Control', 'no-store');
  ctx.attachment(`${tenant.definition.id}-account.json`);
  ctx.type = 'application/json';
  ctx.body = JSON.stringify(exported, undefined, 2);
};
