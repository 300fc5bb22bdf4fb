// All that is kept of the person, as a file.
import type { Context } from 'koa';
import { z } from 'zod';
import { readForm } from '../../web/body.ts';
import { csrfField } from '../interaction-form.ts';
import type { LoginPageParts } from '../login-form.ts';
import type { LoginTenant } from '../login-tenant.ts';
import { refuseForeignForm, visitRecently } from './account-visit.ts';

const fields = z.object({ csrf: csrfField });

export const submitExport = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const { csrf } = await readForm(ctx, fields);
  const visit = await visitRecently(parts, ctx, tenant);
  if (visit === undefined) return;
  refuseForeignForm(parts.csrf, visit, csrf);
  const exported = await tenant.exportPerson(visit.account);
  ctx.set('Cache-Control', 'no-store');
  ctx.attachment(`${tenant.definition.id}-account.json`);
  ctx.type = 'application/json';
  ctx.body = JSON.stringify(exported, undefined, 2);
};
