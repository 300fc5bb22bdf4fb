// The picture of the person who is signed in.
import type { Context } from 'koa';
import { longestPictureFile } from '../../accounts/picture-file.ts';
import { AppError } from '../../errors.ts';
import { readFileForm } from '../../web/file-form.ts';
import type { LoginPageParts } from '../login-form.ts';
import type { LoginTenant } from '../login-tenant.ts';
import { goToAccount } from './account-pages.ts';
import { personOf, refuseForeignForm, submittedBy, visitOrSignIn } from './account-visit.ts';

export const submitPicture = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  // nothing of a stranger is read
  const visit = await visitOrSignIn(ctx, tenant);
  if (visit === undefined) return;
  const { fields: sent, file } = await readFileForm(ctx, longestPictureFile);
  refuseForeignForm(parts.csrf, visit, String(sent.csrf));
  if (file === undefined) return goToAccount(ctx, tenant, { problem: 'picture_too_large' });
  if (file.length === 0) return goToAccount(ctx, tenant, { problem: 'picture_missing' });
  const outcome = await tenant.pictures.replace(visit.account, file, personOf(visit));
  if (outcome.ok) return goToAccount(ctx, tenant, { outcome: 'picture_changed' });
  if (outcome.reason === 'elsewhere')
    throw new AppError('not_found', 'Your picture is not changed here, but where your profile is kept');
  goToAccount(ctx, tenant, { problem: 'picture_unreadable' });
};

export const submitPictureRemoval = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const visit = await submittedBy(parts, ctx, () => visitOrSignIn(ctx, tenant));
  if (visit === undefined) return;
  await tenant.pictures.remove(visit.account, personOf(visit));
  goToAccount(ctx, tenant, { outcome: 'picture_removed' });
};
