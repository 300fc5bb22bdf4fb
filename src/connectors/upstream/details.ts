import { clientCredentialsGrant } from 'openid-client';
import { epochSeconds } from '../../clock.ts';
import type { UpstreamSource } from '../../config/source/source-definition.ts';
import { asOutage, failureOrOutage, refusedUs } from './failures.ts';
import type { UpstreamClient, UpstreamParts } from './upstream-client.ts';
import { broken, readJson, unsuitable } from './user-info.ts';

type Members = Readonly<Record<string, unknown>>;

/** Reads the `details` resource of the source about people, with a token of our own. */
export interface Details {
  /**
   * Undefined when the upstream knows no person by that name, and when it refuses details that nothing depends on.
   * @throws AppError `unavailable`
   */
  find(who: {
    readonly subject?: string;
    readonly username?: string | undefined;
  }): Promise<Members | undefined>;
}

/** A token is not used in its last seconds, so that it does not expire before it arrives. */
const marginSeconds = 30;
/** Lifetime of a token that has no `expires_in`. */
const assumedSeconds = 60;

/**
 * Do the details decide at re-checks who may stay? Then nobody gets in without them. Otherwise they only add to what is
 * known of a person, who may sign in where they are refused.
 */
export const decidesStanding = (source: UpstreamSource): boolean =>
  source.details !== undefined && (isNamedBySubject(source) || !source.details.uri.includes('{username}'));

/** The name of a person is the key of their account too. */
export const isNamedBySubject = ({
  type,
  userNameExtractionPattern,
  subjectPointer,
}: UpstreamSource): boolean =>
  type === 'oauth2' && userNameExtractionPattern !== undefined && subjectPointer === undefined;

/** Undefined when the source has no `details`. */
export const createDetails = (client: UpstreamClient, parts: UpstreamParts): Details | undefined => {
  const { details } = client.source;
  if (details === undefined) return undefined;
  let token: Promise<{ readonly value: string; readonly until: number }> | undefined;

  const fetchToken = async () => {
    try {
      const parameters = details.scope === undefined ? {} : { scope: details.scope };
      const response = await clientCredentialsGrant(await client.configuration(), parameters);
      const lifetime = response.expires_in ?? assumedSeconds;
      return { value: response.access_token, until: epochSeconds(parts.clock) + lifetime - marginSeconds };
    } catch (error) {
      throw refusedUs(failureOrOutage(error));
    }
  };

  const currentToken = async (): Promise<string> => {
    const held = token;
    const known = await held?.catch(() => undefined);
    if (known !== undefined && epochSeconds(parts.clock) < known.until) return known.value;
    if (token === held) token = fetchToken();
    return (await (token ?? fetchToken())).value;
  };

  const ask = async (url: string) => {
    try {
      return await readJson(client, parts, { url, accessToken: await currentToken() });
    } catch (error) {
      throw asOutage(error);
    }
  };

  return {
    find: async (who) => {
      const url = fill(details.uri, who);
      if (url === undefined) throw broken('the details resource cannot be asked about this person');
      let answer = await ask(url);
      if (answer.status === 'refused') {
        // The upstream may have revoked our token before its expiry.
        token = undefined;
        answer = await ask(url);
      }
      if (answer.status === 'absent') return undefined;
      if (answer.status !== 'ok') {
        const refusal = `the details resource refuses the token of Drawbridge (${answer.status})`;
        if (decidesStanding(client.source)) throw unsuitable(`${refusal}: ${new URL(url).origin}`);
        parts.log.warn({ source: client.source.id }, `${refusal}: the details are left out`);
        return undefined;
      }
      if (typeof answer.json !== 'object' || answer.json === null || Array.isArray(answer.json))
        throw broken('the details resource answered no JSON object');
      return answer.json as Members; // an object that is no array
    },
  };
};

const fill = (
  uri: string,
  { subject, username }: { readonly subject?: string; readonly username?: string | undefined },
): string | undefined => {
  const isMissing =
    (uri.includes('{subject}') && subject === undefined) ||
    (uri.includes('{username}') && username === undefined);
  if (isMissing) return undefined;
  return uri
    .replaceAll('{subject}', () => encodePathPart(subject ?? ''))
    .replaceAll('{username}', () => encodePathPart(username ?? ''));
};

/** `.` and `..` would change the path even when encoded. */
const encodePathPart = (value: string): string => {
  if (/^\.{1,2}$/.test(value)) throw broken('a name that is a step in a path cannot be asked about');
  return encodeURIComponent(value);
};
