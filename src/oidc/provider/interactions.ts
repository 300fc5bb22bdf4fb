import type { Context } from 'koa';
import { errors, type Interaction, type Provider } from 'oidc-provider';
import { hashId, randomId } from '../../crypto/ids.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import { resumeProofCookie } from '../cookies.ts';
import { accountClientId } from './clients.ts';
import { toAppError } from './errors.ts';
import { keepFirstFactor, type ProvenLogin, readFirstFactor } from './first-factor.ts';
import type { ProviderRequests } from './provider-request.ts';

/** The step that the person has to complete now. */
export interface PendingInteraction {
  readonly uid: string;
  readonly prompt: 'login' | 'consent';
  readonly clientId: string;
  readonly clientLogo?: string;
  readonly clientUri?: string;
  readonly policyUri?: string;
  readonly tosUri?: string;
  readonly redirectUri?: string;
  readonly loginHint?: string;
  readonly uiLocales?: string;
  /** Id of the source that the app has chosen for the sign-in. */
  readonly idpHint?: string;
  readonly acrValues?: string;
  /** Seconds that may have passed since the sign-in. */
  readonly maxAge?: number;
  /** The next URL of a sign-in that no app asked for; it is unchecked. */
  readonly target?: string;
  /** The app asks which account is meant (`prompt=select_account`). */
  readonly isAccountAsked: boolean;
  /** The app asks for a new account (`prompt=create`). */
  readonly isRegistrationAsked: boolean;
  /** The app demands a new sign-in (`prompt=login`). */
  readonly isLoginDemanded: boolean;
  /** All that misses is a second factor of the person of the session. */
  readonly isFactorDemanded: boolean;
  readonly missing: MissingConsent;
  /** The person of the session, if there is one. */
  readonly sub?: string;
  readonly isOfflineAccessAsked: boolean;
}

/** The scopes that the app asks for without a consent yet. */
export interface MissingConsent {
  readonly scopes: readonly string[];
  /** Resource identifier to scopes. */
  readonly resources: Readonly<Record<string, readonly string[]>>;
}

/** The steps of a sign-in that people take on our pages. */
export interface Interactions {
  /**
   * The interaction whose cookie the browser holds; its uid must be the one in the URL.
   * @throws InteractionGone when it is over or was begun in another browser
   */
  open(step: InteractionStep): Promise<OpenInteraction>;
}

export interface InteractionStep {
  readonly ctx: Pick<Context, 'req' | 'res' | 'cookies'>;
  readonly uid: string;
}

export interface OpenInteraction {
  readonly pending: PendingInteraction;
  /** What this browser has proven, while a second factor is still asked for. */
  readonly firstFactor?: ProvenLogin;
  /**
   * Keeps the first factor until the second one is proven. It counts for this browser alone, and no session begins.
   */
  keepFirstFactor(login: ProvenLogin): Promise<void>;
  /** Each resolves to the next URL of the flow. */
  finishLogin(login: ProvenLogin): Promise<string>;
  /** The person continues with the account of the session. */
  keepAccount(): Promise<string>;
  allow(): Promise<string>;
  refuse(): Promise<string>;
  /** The app learns that the person could not prove what it demanded: `login_required`. */
  failLogin(description: string): Promise<string>;
}

interface PromptDetails {
  readonly missingOIDCScope?: readonly string[];
  readonly missingResourceScopes?: Readonly<Record<string, readonly string[]>>;
}

export const createInteractions = (provider: Provider): Interactions => ({
  open: async ({ ctx, uid }) => {
    const { res } = ctx;
    const interaction = await load(provider, { ctx, uid });
    const finish = (result: InteractionResult): Promise<string> => finishFor(res, interaction, result);
    return {
      pending: await pendingOf(provider, interaction),
      ...definedOnly({ firstFactor: readFirstFactor(interaction.result?.firstFactor, ctx, provider.issuer) }),
      keepFirstFactor: async (login) => {
        const { kept, cookie } = keepFirstFactor(login, { issuer: provider.issuer, uid });
        await persist(interaction, { ...interaction.lastSubmission, firstFactor: kept });
        res.appendHeader('Set-Cookie', cookie);
      },
      finishLogin: ({ sub, amr, acr, source, signedInAt, upstream }) => {
        // the facts of an earlier sign-in of this interaction no longer count
        const { upstream: _, ...submitted } = { upstream: undefined, ...interaction.lastSubmission };
        return finish({
          ...submitted,
          ...accountKnown,
          login: {
            accountId: sub,
            amr: [...amr],
            ts: signedInAt,
            remember: true,
            ...definedOnly({ acr, source }),
          },
          ...definedOnly({ upstream }),
        });
      },
      keepAccount: () => {
        if (interaction.session?.accountId === undefined) throw new InteractionGone();
        return finish({ ...interaction.lastSubmission, ...accountKnown });
      },
      allow: async () =>
        finish({
          ...interaction.lastSubmission,
          consent: { grantId: await grantWhatIsMissing(provider, interaction) },
        }),
      refuse: () => finish({ error: 'access_denied', error_description: 'the person refused' }),
      failLogin: (description) => finish({ error: 'login_required', error_description: description }),
    };
  },
});

/** Notes for each interaction what it is for. */
export const observeBegunSignIns = (provider: Provider, factsOf: ProviderRequests['factsOf']): void => {
  provider.on('interaction.started', (ctx) => {
    const { uid, params } = ctx.oidc.entities.Interaction ?? {};
    if (uid === undefined) return;
    const clientId = String(params?.client_id);
    const target = clientId === accountClientId ? params?.state : undefined;
    factsOf(ctx).noteBegun?.({ uid, clientId, ...(typeof target === 'string' ? { target } : {}) });
  });
};

/** The app asks which account is meant (OpenID Connect Core section 3.1.2.1). */
export const accountPrompt = 'select_account';

/** The app asks for a new account (Initiating User Registration via OpenID Connect 1.0, section 4). */
export const registrationPrompt = 'create';

/** The prompts whose names are in the result count as answered: whoever has signed in needs neither of them. */
const accountKnown = { [accountPrompt]: {}, [registrationPrompt]: {} } as const;

/** Why the login prompt is shown; see `createPromptPolicy`. */
export const factorReason = 'second_factor';

/** The interaction does not exist, or no longer, or not for this browser. */
export class InteractionGone extends AppError {
  /** Of the interaction, if it is still open in another browser, or this one has lost its cookie. */
  readonly clientId: string | undefined;

  constructor(options: { readonly cause?: unknown; readonly clientId?: string } = {}) {
    super(
      'not_found',
      'This sign-in is over or was started in another browser. Go back to the app and start again.',
      { cause: options.cause },
    );
    this.clientId = options.clientId;
  }
}

const load = async (
  provider: Provider,
  { ctx: { req, res }, uid }: InteractionStep,
): Promise<Interaction> => {
  try {
    const interaction = await provider.interactionDetails(req, res);
    if (interaction.uid === uid) return interaction;
  } catch (error) {
    if (!(error instanceof errors.SessionNotFound)) throw toAppError(error);
  }
  throw new InteractionGone(definedOnly({ clientId: await clientOf(provider, uid) }));
};

/** The client of an interaction that this browser may not see; undefined when it is no longer stored. */
const clientOf = async (provider: Provider, uid: string): Promise<string | undefined> => {
  try {
    const clientId = (await provider.Interaction.find(uid))?.params.client_id;
    return typeof clientId === 'string' ? clientId : undefined;
  } catch (error) {
    throw toAppError(error);
  }
};

type InteractionResult = NonNullable<Interaction['result']>;

const persist = async (interaction: Interaction, result: InteractionResult): Promise<void> => {
  try {
    interaction.result = result;
    await interaction.persist();
  } catch (error) {
    throw toAppError(error);
  }
};

/** Only the browser that has just submitted this can resume the request; `InteractionAdapter` demands the proof. */
const finishFor = async (
  res: Context['res'],
  interaction: Interaction,
  result: InteractionResult,
): Promise<string> => {
  const proof = randomId();
  await persist(interaction, { ...result, proof: hashId(proof) });
  res.appendHeader('Set-Cookie', resumeProofCookie(interaction.returnTo, proof));
  return interaction.returnTo;
};

const grantWhatIsMissing = async (provider: Provider, interaction: Interaction): Promise<string> => {
  const accountId = interaction.session?.accountId;
  if (accountId === undefined) throw new InteractionGone();
  const { missingOIDCScope, missingResourceScopes } = interaction.prompt.details as PromptDetails; // the library's
  try {
    const found =
      interaction.grantId === undefined ? undefined : await provider.Grant.find(interaction.grantId);
    const grant = found ?? new provider.Grant({ accountId, clientId: String(interaction.params.client_id) });
    if (missingOIDCScope !== undefined) grant.addOIDCScope(missingOIDCScope.join(' '));
    for (const [resource, scopes] of Object.entries(missingResourceScopes ?? {})) {
      grant.addResourceScope(resource, scopes.join(' '));
    }
    return await grant.save();
  } catch (error) {
    throw toAppError(error);
  }
};

const knownPrompts: readonly string[] = ['login', 'consent', accountPrompt, registrationPrompt];

const pendingOf = async (provider: Provider, interaction: Interaction): Promise<PendingInteraction> => {
  const { uid, params, prompt, session } = interaction;
  if (!knownPrompts.includes(prompt.name)) throw new InteractionGone();
  const clientId = String(params.client_id);
  const client = await provider.Client.find(clientId);
  if (client === undefined) throw new InteractionGone();
  const details = prompt.details as PromptDetails; // the library's
  const optional = {
    clientLogo: client.logoUri,
    clientUri: client.clientUri,
    policyUri: client.policyUri,
    tosUri: client.tosUri,
    redirectUri: params.redirect_uri,
    loginHint: params.login_hint,
    uiLocales: params.ui_locales,
    idpHint: params.idp_hint,
    acrValues: params.acr_values,
    sub: session?.accountId,
    target: clientId === accountClientId ? params.state : undefined,
  };
  return {
    uid,
    prompt: prompt.name === 'consent' ? 'consent' : 'login',
    isAccountAsked: prompt.name === accountPrompt,
    isRegistrationAsked: prompt.name === registrationPrompt,
    clientId,
    missing: { scopes: details.missingOIDCScope ?? [], resources: details.missingResourceScopes ?? {} },
    isOfflineAccessAsked: String(params.scope ?? '')
      .split(' ')
      .includes('offline_access'),
    isLoginDemanded: String(params.prompt ?? '')
      .split(' ')
      .includes('login'),
    isFactorDemanded:
      prompt.reasons.length > 0 &&
      prompt.reasons.every((reason) => reason === factorReason) &&
      session !== undefined,
    ...(params.max_age === undefined ? {} : { maxAge: Number(params.max_age) }),
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => typeof value === 'string')),
  };
};
