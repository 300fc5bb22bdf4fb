/** What an artifact is for; what it holds is known where it is written. */
export type ArtifactKind =
  | 'Session'
  /** A cookie value, with a link to its Session (`sessionUid`); several may have the same Session. */
  | 'SessionCookie'
  | 'Interaction'
  | 'Grant'
  | 'AuthorizationCode'
  | 'AccessToken'
  | 'ClientCredentials'
  | 'RefreshToken'
  | 'DeviceCode'
  | 'PushedAuthorizationRequest'
  | 'ReplayDetection'
  | 'RevokedToken'
  /** A sign-in at an upstream under way, by its `state`. */
  | 'UpstreamLogin'
  /** Finds our interaction again after the callback of the upstream; used once. */
  | 'UpstreamTicket'
  /** The upstream of a Session (same id): source, `sid`, ID token for the logout there. Sealed. */
  | 'UpstreamSession'
  /** The same after the Session (same id) was ended, until the server has ended what was left at the upstream. Sealed. */
  | 'UpstreamEnding'
  /** The `sid` of an upstream, with a link to our Session (`sessionUid`). */
  | 'UpstreamSid'
  /** The upstream's tokens of one person, where the tenant keeps them. Sealed. */
  | 'UpstreamTokens'
  /** An API key that waits for the code of a mail; its id is that of the key. */
  | 'PendingApiKey'
  /** A lock of the process that refreshes those tokens. */
  | 'UpstreamLease'
  /** The next step of a sign-out, after the sign-out at the upstream. */
  | 'LogoutReturn'
  /** A session of services behind the gateway; ends with a Session (`sessionUid`) unless a password began it. */
  | 'GatewaySession'
  /** Hands a finished sign-in over to the host of a service; used once. */
  | 'GatewayTicket'
  /** Stands for the right password of a person who needs a second factor; used once. */
  | 'MfaToken'
  /** A mailed code that is a second factor, by its keyed hash; used once. */
  | 'EmailCode'
  /** A sign-in on an app's own page, between two steps or before the code of a mail; used once. */
  | 'AuthSession'
  | 'EmailSession'
  /** What a refused request was about; its id is a place that later ones take over. */
  | 'RefusedRequest'
  /** A link or code of a mail that proves something, used once. Sealed. */
  | 'Verification'
  /** An e-mail address that an account had before and can put back. */
  | 'FormerEmail'
  /** A user name that an account had before, which nobody else can choose for a time. */
  | 'FormerUsername'
  /** A lock of the process that removes an account (id: its sub). */
  | 'RemovalLease';
