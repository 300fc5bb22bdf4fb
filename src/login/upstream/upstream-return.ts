import type { SignedIn } from '../../accounts/account-types.ts';
import { hasLocalPassword } from '../../accounts/password-adoption.ts';
import type { ProvenLogin } from '../../oidc/provider/interactions.ts';
import { choiceUrl, type InteractionVisit, interactionUrl, redirectTo } from '../interaction-form.ts';
import { type LoginPageParts, showLogin } from '../login-form.ts';
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
  const interaction = await tenant.interactions.open({ req: ctx.req, res: ctx.res, uid });
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
  if (back.isFresh) return redirectTo(visit, await interaction.finishLogin(back.login));

  const account = await tenant.accounts.findBySub(back.login.sub);
  if (account === undefined || !takesPassword(visit, account, interaction.pending.clientId))
    return redirectTo(
      visit,
      await interaction.failLogin('the source does not say that the person signed in as recently'),
    );
  const proven = tenant.upstreamLogins.sealForForm(uid, back.login);
  return showLogin(parts, visit, {
    interaction,
    form: { login: account.username, step: 'password', problem: 'confirm', proven },
  });
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
