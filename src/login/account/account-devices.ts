import type { Context } from 'koa';
import type { LoginPageParts } from '../login-form.ts';
import type { LoginTenant } from '../login-tenant.ts';
import { goToAccount } from './account-pages.ts';
import { personOf, submittedBy, visitOrSignIn } from './account-visit.ts';

/** Signs out one device of the person who is signed in; their sessions and other devices go on. */
export const submitDeviceSignOut = async (
  parts: LoginPageParts,
  ctx: Context,
  { tenant, id }: { readonly tenant: LoginTenant; readonly id: string },
): Promise<void> => {
  const visit = await submittedBy(parts, ctx, () => visitOrSignIn(ctx, tenant));
  if (visit === undefined) return;
  const revoked = await tenant.devices.revoke(id, { ...personOf(visit), owner: visit.session.sub });
  goToAccount(ctx, tenant, revoked === undefined ? {} : { outcome: 'device_signed_out' });
};
