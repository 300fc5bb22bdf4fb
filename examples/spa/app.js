// `oidc` is oidc-client-ts, which index.html loads. With a bundler: import { UserManager } from 'oidc-client-ts'.
const { issuer } = await (await fetch('/settings.json')).json();
const home = `${location.origin}/`;

const users = new oidc.UserManager({
  authority: issuer,
  client_id: 'spa',
  redirect_uri: home,
  post_logout_redirect_uri: home,
  scope: 'openid profile email groups',
  loadUserInfo: true,
  // tokens stay in memory: other scripts and other tabs cannot read them, and a reload signs in again without a form
  userStore: new oidc.WebStorageStateStore({ store: new oidc.InMemoryWebStorage() }),
});

const query = new URLSearchParams(location.search);
const greeting = document.querySelector('#greeting');
if (query.has('error')) {
  greeting.textContent = query.get('error_description') ?? query.get('error');
} else if (query.has('code')) {
  const { profile } = await users.signinCallback();
  history.replaceState(undefined, '', home);
  greeting.textContent = `Hello, ${profile.name}. Your groups: ${profile.groups.join(', ')}`;
  const button = document.querySelector('#sign-out');
  button.hidden = false;
  button.addEventListener('click', () => users.signoutRedirect());
} else {
  await users.signinRedirect();
}
