// The second factors of the person who is signed in; account-passkeys.ts: a new passkey. Whoever changes them has just
// signed in, with a factor if there is one.
import type { Context } from 'koa';
import { z } from 'zod';
import { hasFactor, isMultiFactor, mfaAcr } from '../../accounts/factors/factor-demand.ts';
import { factorFacts, recoveryCodesLeft } from '../../accounts/factors/factor-facts.ts';
import { byCode } from '../../accounts/factors/proven-factor.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import { readForm } from '../../web/body.ts';
import type { FactorProblem } from '../../web/page-problems.ts';
import { requestFacts } from '../../web/request-facts.ts';
import { sendPage } from '../../web/send-page.ts';
import { totpPicture } from '../factors/totp-picture.ts';
import { csrfField } from '../interaction-form.ts';
import type { LoginPageParts } from '../login-form.ts';
import { announce } from '../login-problems.ts';
import { type LoginTenant, lookOf } from '../login-tenant.ts';
import { startSignIn } from '../start-sign-in.ts';
import {
  type AccountVisit,
  accountCsrfToken,
  accountUrl,
  findAccountVisit,
  refuseForeignForm,
} from './account-visit.ts';

/** Seconds: another person at an unlocked browser must not be able to change the factors. */
const recentSignIn = 5 * 60;

export const factorsUrl = (tenant: LoginTenant): string => `${accountUrl(tenant)}/factors`;
const totpUrl = (tenant: LoginTenant): string => `${factorsUrl(tenant)}/totp`;

export interface FactorsNotice {
  readonly outcome?: 'added' | 'removed';
  /** To be shown once. */
  readonly recoveryCodes?: readonly string[];
}

/** Has this tenant second factors at all? */
export const offersFactors = ({ definition }: LoginTenant): boolean =>
  definition.secondFactor.methods.length > 0;

/** Undefined, and a redirect to a sign-in that returns to `url`, unless the person has just signed in. */
export const visitToChange = async (
  parts: LoginPageParts,
  ctx: Context,
  { tenant, url }: { readonly tenant: LoginTenant; readonly url: string },
): Promise<AccountVisit | undefined> => {
  if (!offersFactors(tenant)) throw new AppError('not_found', 'There are no second factors here');
  const visit = await findAccountVisit(ctx, tenant);
  const isRecent = visit !== undefined && parts.clock.now() / 1000 - visit.session.signedInAt <= recentSignIn;
  const isStrong =
    visit !== undefined &&
    (isMultiFactor(visit.session.acr) || !hasFactor(tenant.definition.secondFactor, visit.account));
  if (isRecent && isStrong) return visit;
  startSignIn(ctx, tenant, {
    target: url,
    maxAge: recentSignIn,
    ...(visit === undefined || isStrong ? {} : { acrValues: [mfaAcr] }),
  });
  return undefined;
};

export const showFactors = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  if (!offersFactors(tenant)) throw new AppError('not_found', 'There are no second factors here');
  const url = factorsUrl(tenant);
  const visit = await findAccountVisit(ctx, tenant);
  if (visit === undefined) return startSignIn(ctx, tenant, { target: url });
  const last = parts.notices.last<FactorsNotice>({ ctx, url });
  const { outcome, recoveryCodes } = last?.isNew === true ? last.notice : {};
  const look = lookOf(ctx, tenant);
  const csrf = accountCsrfToken(parts.csrf, visit);
  if (recoveryCodes !== undefined)
    return sendPage(ctx, parts.pages, {
      name: 'recovery-codes',
      model: { codes: recoveryCodes, csrf, nextUrl: url },
      look,
    });
  const { account } = visit;
  const factors = factorFacts(account);
  const { methods } = tenant.definition.secondFactor;
  sendPage(ctx, parts.pages, {
    name: 'account-factors',
    model: {
      csrf,
      accountUrl: accountUrl(tenant),
      ...(methods.includes('totp') ? { setUpTotpUrl: totpUrl(tenant) } : {}),
      ...(methods.includes('passkey') ? { setUpPasskeyUrl: `${url}/passkey` } : {}),
      factors: factors.map(({ id, type, name, createdAt, lastUsedAt }) => ({
        type,
        name,
        createdAt,
        removeAction: `${url}/${id}/remove`,
        ...definedOnly({ lastUsedAt }),
      })),
      ...(factors.length === 0
        ? {}
        : { recoveryCodes: { left: recoveryCodesLeft(account), renewAction: `${url}/recovery-codes` } }),
      ...definedOnly({ outcome }),
    },
    look,
  });
};

interface TotpNotice {
  readonly problem: FactorProblem;
  readonly sealed: string;
}

export const askForTotp = async (parts: LoginPageParts, ctx: Context, tenant: LoginTenant): Promise<void> => {
  const url = totpUrl(tenant);
  const visit = await visitToChange(parts, ctx, { tenant, url });
  if (visit === undefined) return;
  const last = parts.notices.last<TotpNotice>({ ctx, url });
  const { problem, sealed: shown } = last?.isNew === true ? last.notice : {};
  const { secret, uri, sealed } = tenant.accounts.factors.newTotp(visit.account, shown);
  sendPage(ctx, parts.pages, {
    name: 'set-up-totp',
    status: announce(parts.log, ctx, definedOnly({ problem })),
    model: {
      ...definedOnly({ problem }),
      secret,
      sealed,
      picture: await totpPicture(uri),
      action: url,
      csrf: accountCsrfToken(parts.csrf, visit),
      isDemanded: false,
      cancelUrl: factorsUrl(tenant),
    },
    look: lookOf(ctx, tenant),
  });
};

const setUpFields = z.object({
  csrf: csrfField,
  code: z.string().default(''),
  sealed: z.string().default(''),
  name: z.string().default(''),
});

export const submitTotp = async (parts: LoginPageParts, ctx: Context, tenant: LoginTenant): Promise<void> => {
  const { csrf, code, sealed, name } = await readForm(ctx, setUpFields);
  const url = totpUrl(tenant);
  const visit = await visitToChange(parts, ctx, { tenant, url });
  if (visit === undefined) return;
  refuseForeignForm(parts.csrf, visit, csrf);
  const added = await tenant.accounts.factors.addTotp(visit.account, { sealed, code, name }, originOf(ctx));
  if (!added.ok) {
    const problem = added.reason === 'expired' ? 'set_up_expired' : added.reason;
    return parts.notices.show({ ctx, url }, { problem, sealed } satisfies TotpNotice);
  }
  await tenant.provider.strengthenSession(ctx, byCode);
  const { recoveryCodes } = added;
  showFactorsAgain(parts, visit, { outcome: 'added', ...definedOnly({ recoveryCodes }) });
};

const fields = z.object({ csrf: csrfField });

export const submitFactorRemoval = async (
  parts: LoginPageParts,
  ctx: Context,
  { tenant, id }: { readonly tenant: LoginTenant; readonly id: string },
): Promise<void> => {
  const { csrf } = await readForm(ctx, fields);
  const visit = await visitToChange(parts, ctx, { tenant, url: factorsUrl(tenant) });
  if (visit === undefined) return;
  refuseForeignForm(parts.csrf, visit, csrf);
  const isRemoved = await tenant.accounts.factors.remove(visit.account, id, originOf(ctx));
  showFactorsAgain(parts, visit, isRemoved ? { outcome: 'removed' } : {});
};

export const submitNewRecoveryCodes = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const { csrf } = await readForm(ctx, fields);
  const visit = await visitToChange(parts, ctx, { tenant, url: factorsUrl(tenant) });
  if (visit === undefined) return;
  refuseForeignForm(parts.csrf, visit, csrf);
  const renewed = await tenant.accounts.factors.renewRecoveryCodes(visit.account, originOf(ctx));
  showFactorsAgain(parts, visit, definedOnly({ recoveryCodes: renewed?.codes }));
};

export const showFactorsAgain = (
  parts: LoginPageParts,
  { ctx, tenant }: AccountVisit,
  notice: FactorsNotice,
): void => parts.notices.show({ ctx, url: factorsUrl(tenant) }, notice);

export const originOf = (ctx: Context) => {
  const { address, requestId } = requestFacts(ctx);
  return { address, requestId };
};
