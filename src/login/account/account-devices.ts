import type { Context } from 'koa';
import { z } from 'zod';
import { readForm } from '../../web/body.ts';
import { requestFacts } from '../../web/request-facts.ts';
import type { LoginPageParts } from '../login-form.ts';
import type { LoginTenant } from '../login-tenant.ts';
import { startSignIn } from '../start-sign-in.ts';
import { goToAccount } from './account-pages.ts';
import { findAccountVisit, refuseForeignForm } from './account-visit.ts';

const fields = z.object({ csrf: z.string().max(100) });

/** Signs out one device of the person who is signed in; their sessions and other devices go on. */
export const submitDeviceSignOut = async (
  parts: LoginPageParts,
  ctx: Context,
  { tenant, id }: { readonly tenant: LoginTenant; readonly id: string },
): Promise<void> => {
  const { csrf } = await readForm(ctx, fields);
  const visit = await findAccountVisit(ctx, tenant);
  if (visit === undefined) return startSignIn(ctx, tenant);
  refuseForeignForm(parts.csrf, visit, csrf);
  const { sub } = visit.session;
  const { address, requestId } = requestFacts(ctx);
  const revoked = await tenant.devices.revoke(id, { actor: sub, owner: sub, address, requestId });
  goToAccount(ctx, tenant, revoked === undefined ? {} : { outcome: 'device_signed_out' });
};
