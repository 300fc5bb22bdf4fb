import type {
  Connector,
  Credentials,
  Identity,
  SourceRefusal,
  UpstreamGrant,
} from '../connectors/connector.ts';
import { definedOnly } from '../defined-only.ts';
import { type AppError, isAppError } from '../errors.ts';

/** The verdict of a tenant's sources on a password, asked one after the other. */
export type SourcesVerdict =
  | {
      readonly ok: true;
      readonly connector: Connector;
      readonly identity: Identity;
      readonly grant?: UpstreamGrant;
      /** The sources that were no longer asked. */
      readonly rest: readonly Connector[];
      readonly outage?: Outage;
    }
  /** One of them knows the person: no further source is asked. */
  | {
      readonly ok: false;
      readonly reason: Exclude<SourceRefusal, 'unknown'>;
      readonly connector: Connector;
      readonly rest: readonly Connector[];
      readonly sub?: string;
      readonly subject?: string;
      readonly detail?: string;
      readonly outage?: Outage;
    }
  | { readonly ok: false; readonly reason: 'unknown'; readonly sub?: string }
  | { readonly ok: false; readonly reason: 'throttled'; readonly retryAfterSeconds: number }
  | { readonly ok: false; readonly reason: 'unavailable'; readonly outage: Outage };

/** The first source that gave no verdict. */
export interface Outage {
  readonly source: string;
  readonly error: AppError;
}

/**
 * Asks each once, until one of them knows the person. A source that cannot be reached, or limits attempts itself, is
 * skipped, so that people of other sources can sign in; it decides only when no other source does. There are no
 * retries.
 * @throws AppError `unavailable` when our own list of people cannot be asked
 */
export const askSources = async (
  connectors: readonly Connector[],
  credentials: Credentials,
): Promise<SourcesVerdict> => {
  let outage: Outage | undefined;
  let retryAfterSeconds: number | undefined;
  let sub: string | undefined;

  for (const [index, connector] of connectors.entries()) {
    const answer = await ask(connector, credentials);
    if (answer === undefined) continue;
    if ('error' in answer) {
      outage ??= { source: connector.definition.id, error: answer.error };
      continue;
    }
    const context = {
      connector,
      rest: connectors.slice(index + 1),
      ...definedOnly({ outage }),
    };
    if (answer.ok) {
      const { person: identity, grant } = answer;
      return { ok: true, identity, ...definedOnly({ grant }), ...context };
    }
    if (answer.reason === 'throttled') retryAfterSeconds ??= answer.retryAfterSeconds;
    else if (answer.reason === 'unknown') sub ??= answer.sub;
    else return { ...context, ...answer, reason: answer.reason };
  }
  if (outage !== undefined) return { ok: false, reason: 'unavailable', outage };
  if (retryAfterSeconds !== undefined) return { ok: false, reason: 'throttled', retryAfterSeconds };
  return { ok: false, reason: 'unknown', ...definedOnly({ sub }) };
};

const ask = async ({ definition, passwords }: Connector, credentials: Credentials) => {
  try {
    return await passwords?.verify(credentials);
  } catch (error) {
    if (definition.type === 'local' || !isAppError(error, 'unavailable')) throw error;
    return { error };
  }
};

/** A password that only proved something leaves no session at its source. Nobody waits for that. */
export const endProof = (connector: Connector, grant: UpstreamGrant | undefined): void => {
  if (grant !== undefined) void connector.revoke?.(grant.tokens);
};

/**
 * Makes a refusal take as long as one by the last source, so that the time does not reveal which source knows the
 * name.
 */
export const spendTimeOfRefusal = async (connectors: readonly Connector[]): Promise<void> => {
  for (const { passwords } of connectors) await passwords?.decoy?.();
};
