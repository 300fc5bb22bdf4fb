// Examines the real upstream for `doctor`: its host, its metadata, and whether it accepts our client.
import type { ServerMetadata } from 'openid-client';
import type { ExaminedAddresses, SourceFinding } from '../connector.ts';
import { type Note, reasonOf } from './examination.ts';
import { examineClient, examineRedirect, examineSignOut, examineUserInfo } from './examine-client.ts';
import { adviceForOutage, examineHost } from './examine-host.ts';
import { examineMetadata } from './examine-metadata.ts';
import { toleranceSeconds, type UpstreamClient, type UpstreamParts } from './upstream-client.ts';
import { discoveryUrl } from './upstreams.ts';

/** Never rejects. */
export const examineUpstream = async (
  client: UpstreamClient,
  parts: UpstreamParts,
  addresses: ExaminedAddresses,
): Promise<readonly SourceFinding[]> => {
  const findings: SourceFinding[] = [];
  const note: Note = (verdict, about, message) => void findings.push({ verdict, about, message });
  try {
    await examine(client, parts, { ...addresses, note });
  } catch (error) {
    note('problem', 'examination', `It could not be finished: ${reasonOf(error)}.`);
  }
  return findings;
};

const examine = async (
  client: UpstreamClient,
  parts: UpstreamParts,
  { redirectUri, signedOutUri, note }: ExaminedAddresses & { readonly note: Note },
): Promise<void> => {
  const { source } = client;
  const seen = new Set<string>();
  const examineHosts = async (urls: readonly (string | undefined)[]): Promise<void> => {
    const origins = urls.flatMap((url) => (url === undefined ? [] : [new URL(url).origin]));
    const unseen = [...new Set(origins)].filter((origin) => !seen.has(origin));
    for (const origin of unseen) seen.add(origin);
    const direct = unseen.filter((origin) => !parts.upstreams.mayUseProxy(origin));
    const reports = await Promise.all(direct.map((origin) => examineHost(origin, client.peer, parts.clock)));
    for (const { verdict, about, message } of reports.flat()) note(verdict, about, message);
  };

  const usesDiscovery = source.discovery && source.issuer !== undefined;
  await examineHosts(
    usesDiscovery
      ? [discoveryUrl(source.issuer ?? '')]
      : [source.userAuthorizationUri, source.accessTokenUri, source.userInfoUri, source.jwksUri],
  );
  const metadata = await readMetadata(client, note);
  if (metadata === undefined) return;
  await examineHosts([
    metadata.authorization_endpoint,
    metadata.token_endpoint,
    metadata.userinfo_endpoint,
    metadata.jwks_uri,
  ]);
  examineMetadata(source, metadata, note);
  await examineKeys(client, parts, { metadata, note });
  if (source.clientId !== undefined && metadata.token_endpoint !== undefined) {
    const isClientKnown = await examineClient(client, { redirectUri, note });
    if (metadata.authorization_endpoint !== undefined)
      await examineRedirect(client, parts, { redirectUri, isClientKnown, note });
    if (metadata.end_session_endpoint !== undefined)
      await examineSignOut(client, parts, { signedOutUri, note });
  }
  if (metadata.userinfo_endpoint !== undefined) await examineUserInfo(client, parts, note);
  await examineClock(client, parts, { metadata, note });
};

const readMetadata = async (client: UpstreamClient, note: Note): Promise<ServerMetadata | undefined> => {
  const { discovery, issuer } = client.source;
  try {
    const metadata = await client.metadata();
    if (discovery && issuer !== undefined)
      note('ok', 'discovery', `${discoveryUrl(issuer)} names the issuer ${issuer}.`);
    return metadata;
  } catch (error) {
    const advice =
      adviceForOutage(error) ??
      'Check "issuer": it must be written as the provider writes it, to the last slash.';
    note('problem', 'discovery', `${reasonOf(error)}. ${advice}`);
    return undefined;
  }
};

const examineKeys = async (
  { source, peer }: UpstreamClient,
  { upstreams }: UpstreamParts,
  { metadata, note }: { readonly metadata: ServerMetadata; readonly note: Note },
): Promise<void> => {
  if (metadata.jwks_uri === undefined) {
    if (source.type === 'oidc')
      note(
        'problem',
        'keys',
        'The place of the keys is not known. Set "jwksUri": no person can sign in without it.',
      );
    return;
  }
  try {
    const count = await upstreams.keys.count({ url: metadata.jwks_uri, peer });
    if (count > 0) note('ok', 'keys', `${metadata.jwks_uri} holds ${count}.`);
    else note('problem', 'keys', `${metadata.jwks_uri} is empty: the provider has to publish its keys.`);
  } catch (error) {
    note('problem', 'keys', `${reasonOf(error)}. Check "jwksUri", or ask those who run the provider.`);
  }
};

/** The `Date` of an answer: seconds since then are those of its transport. */
const examineClock = async (
  { source, peer }: UpstreamClient,
  { upstreams, clock }: UpstreamParts,
  { metadata, note }: { readonly metadata: ServerMetadata; readonly note: Note },
): Promise<void> => {
  const url = metadata.jwks_uri ?? metadata.userinfo_endpoint ?? source.accessTokenUri;
  if (url === undefined) return;
  const answer = await upstreams.send(peer, { url }).catch(() => undefined);
  const theirs = Date.parse(answer?.headers.get('date') ?? '');
  if (Number.isNaN(theirs)) return;
  const seconds = Math.round((theirs - clock.now()) / 1000);
  if (Math.abs(seconds) < toleranceSeconds) note('ok', 'clock', 'The clocks agree.');
  else
    note(
      'problem',
      'clock',
      `The provider's clock is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead' : 'behind'}, and more than ${toleranceSeconds} s are not borne. Let this machine's clock follow a time server.`,
    );
};
