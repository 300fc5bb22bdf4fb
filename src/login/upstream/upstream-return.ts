import type { SignedIn } from '../../accounts/account-types.ts';
import { hasLocalPassword } from '../../accounts/password-adoption.ts';
import { definedOnly } from '../../defined-only.ts';
import type { ProvenLogin } from '../../oidc/provider/first-factor.ts';
import { completeSignIn } from '../factors/complete-sign-in.ts';
import {
  choiceUrl,
  type InteractionVisit,
  interactionUrl,
  redirectTo,
  withLanguage,
} from '../interaction-form.ts';
import {
  type LoginForm,
  type LoginNotice,
  type LoginPageParts,
  showLogin,
  showLoginAgain,
} from '../login-form.ts';
import { endOf, restOf, type TimedNotice } from '../login-problems.ts';
import { findRedirectConnector } from '../login-tenant.ts';

/** The content of a ticket from the upstream's callback to the interaction, whose cookie is sent only there. */
export type UpstreamReturn =
  | {
      readonly ok: true;
      readonly source: string;
      readonly login: ProvenLogin;
      /** Was the sign-in as recent as the app demanded? */
      readonly isFresh: boolean;
    }
  | {
      readonly ok: false;
      readonly problem: 'account_disabled' | 'cancelled' | 'invalid' | 'upstream_unavailable';
    };

/** `…/interaction/<uid>/return?ticket=` */
export const returnFromUpstream = async (parts: LoginPageParts, visit: InteractionVisit): Promise<void> => {
  const { ctx, tenant, uid } = visit;
  const interaction = await tenant.interactions.open({ ctx, uid });
  if (interaction.pending.prompt !== 'login') return redirectTo(visit, interactionUrl(visit));
  const { ticket } = ctx.query;
  const back =
    typeof ticket === 'string'
      ? ((await tenant.upstreamLogins.redeemTicket(uid, ticket)) as UpstreamReturn | undefined) // sealed by the callback
      : undefined;
  if (back === undefined) return redirectTo(visit, choiceUrl(visit));
  const login = interaction.pending.loginHint ?? '';
  if (!back.ok) return showLogin(parts, visit, { interaction, form: { login, problem: back.problem } });
  if (findRedirectConnector(tenant, back.source) === undefined)
    return showLogin(parts, visit, { interaction, form: { login, problem: 'invalid' } });
  if (back.isFresh) return redirectTo(visit, await completeSignIn(parts, visit, interaction, back.login));

  const account = await tenant.accounts.findBySub(back.login.sub);
  if (account === undefined || !takesPassword(visit, account, interaction.pending.clientId))
    return redirectTo(
      visit,
      await interaction.failLogin('the source does not say that the person signed in as recently'),
    );
  const proven = tenant.upstreamLogins.sealForForm(uid, back.login);
  const last = parts.notices.last<LoginNotice>({ ctx, url: returnUrl(visit) });
  const { problem = 'confirm', until } = last?.isNew === true ? (last.notice as LoginForm & TimedNotice) : {}; // sealed below
  return showLogin(parts, visit, {
    interaction,
    form: {
      login: account.username,
      step: 'password',
      problem,
      proven,
      ...restOf(parts, definedOnly({ until })),
    },
  });
};

const returnUrl = (visit: InteractionVisit): string => `${interactionUrl(visit)}/return`;

/** The page that asks for the password once more: with a new ticket, because the proof is too long for a cookie. */
export const askAgainToConfirm = async (
  parts: LoginPageParts,
  visit: InteractionVisit,
  { proven, form }: { readonly proven: string; readonly form: Omit<LoginForm, 'proven'> },
): Promise<void> => {
  const { ctx, tenant, uid } = visit;
  const login = openProven(visit, proven);
  if (login === undefined) return showLoginAgain(parts, visit, form);
  const back: UpstreamReturn = { ok: true, source: login.source ?? '', login, isFresh: false };
  const ticket = await tenant.upstreamLogins.issueTicket(uid, back);
  const { retryAfterSeconds, ...shown } = form;
  const url = withLanguage(visit, `${returnUrl(visit)}?ticket=${ticket}`);
  parts.notices.show({ ctx, url }, { ...shown, ...endOf(parts, retryAfterSeconds) });
};

/** Could this person sign in now with a password, for this app? */
const takesPassword = (
  { tenant }: InteractionVisit,
  account: SignedIn['account'],
  clientId: string,
): boolean => {
  if (!tenant.accounts.choose({ clientId }).passwords) return false;
  const known = new Set((account.identities ?? []).map(({ source }) => source));
  return (
    hasLocalPassword(account, tenant.definition.sources) ||
    tenant.connectors.some(({ definition, passwords }) => passwords !== undefined && known.has(definition.id))
  );
};

/** The value that `returnFromUpstream` sealed into the form; undefined when it belongs to another form. */
export const openProven = ({ tenant, uid }: InteractionVisit, proven: string): ProvenLogin | undefined =>
  tenant.upstreamLogins.openFromForm(uid, proven) as ProvenLogin | undefined; // sealed above
