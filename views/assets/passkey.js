// Passkeys and security keys. The page brings what the browser is asked, and what it answers is sent as a form. Where this
// file cannot run, the page offers what works without it.

// A relying party is a host name: with an address there are none.
const isAddress = /^\[|^[\d.]+$/.test(location.hostname);
const isSupported =
  !isAddress && globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON !== undefined;

const ask = async (form, more = {}) => {
  const json = JSON.parse(form.dataset.options);
  const credential =
    form.dataset.passkey === 'create'
      ? await navigator.credentials.create({
          publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(json),
        })
      : await navigator.credentials.get({
          publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(json),
          ...more,
        });
  form.elements.credential.value = JSON.stringify(credential.toJSON());
  form.setAttribute('aria-busy', 'true');
  form.submit();
};

/** Ends the offer in the field of the user name: a browser asks one thing at a time. */
let offer;

/** Passkeys in the list that the browser shows at the field of the user name. Whoever does not choose one is not asked. */
const offerPasskeys = async (form) => {
  if ((await PublicKeyCredential.isConditionalMediationAvailable?.()) !== true) return;
  offer = new AbortController();
  await ask(form, { mediation: 'conditional', signal: offer.signal }).catch(() => {});
};

const prepare = (form) => {
  const status = form.querySelector('[data-failed]');
  form.hidden = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (form.getAttribute('aria-busy') === 'true') return;
    form.setAttribute('aria-busy', 'true');
    status.textContent = '';
    offer?.abort();
    try {
      await ask(form);
    } catch {
      form.removeAttribute('aria-busy');
      status.textContent = status.dataset.failed;
      if (form.dataset.offer !== undefined) offerPasskeys(form);
    }
  });
  if (form.dataset.offer !== undefined) offerPasskeys(form);
};

if (isSupported) {
  for (const form of document.querySelectorAll('form[data-passkey]')) prepare(form);
  for (const element of document.querySelectorAll('[data-with-passkeys]')) element.hidden = false;
  for (const element of document.querySelectorAll('[data-without-passkeys]')) element.hidden = true;
}
