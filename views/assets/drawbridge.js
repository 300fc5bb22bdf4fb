// Small comforts only: every page does its whole work without this file.

// A second press while the first is under way would spend a sign-in attempt or a one-time form twice.
for (const form of document.querySelectorAll('form[data-once]')) {
  form.addEventListener('submit', (event) => {
    if (form.getAttribute('aria-busy') === 'true') {
      event.preventDefault();
      return;
    }
    form.setAttribute('aria-busy', 'true');
  });
}

// A page that only carries a form on. Who comes back to it by the browser's arrow is not sent on again.
for (const form of document.querySelectorAll('form[data-submit-now]')) {
  if (performance.getEntriesByType('navigation')[0]?.type !== 'back_forward') form.requestSubmit();
}

// Coming back with the browser's arrow restores the page as it was left: busy.
addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[aria-busy]')) form.removeAttribute('aria-busy');
});

for (const button of document.querySelectorAll('[data-reveal]')) {
  const input = document.getElementById(button.dataset.reveal);
  const show = button.textContent;
  button.hidden = false;
  const set = (visible) => {
    input.type = visible ? 'text' : 'password';
    button.textContent = visible ? button.dataset.hide : show;
  };
  button.addEventListener('click', () => {
    set(input.type === 'password');
    input.focus();
  });
  // Password stores and the browser's history of entries look at the type when the form is sent.
  input.form.addEventListener('submit', () => set(false));
}

for (const button of document.querySelectorAll('[data-fill-login]')) {
  button.hidden = false;
  button.addEventListener('click', () => {
    document.getElementById('login').value = button.dataset.fillLogin;
    const password = document.getElementById('password');
    password.value = button.dataset.fillPassword;
    password.form.querySelector('[type=submit]').focus();
  });
}

for (const input of document.querySelectorAll('[data-user-code]')) {
  input.addEventListener('input', () => {
    if (input.selectionStart !== input.value.length) return;
    const signs = input.value.toUpperCase().replace(/[^A-Z0-9]/g, '').slice(0, 8);
    input.value = signs.length > 4 ? `${signs.slice(0, 4)}-${signs.slice(4)}` : signs;
  });
}

// The server knows only UTC; here the person's own time zone is known.
for (const time of document.querySelectorAll('time[data-local]')) {
  const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: 'long', timeStyle: 'short' });
  time.textContent = format.format(new Date(time.dateTime));
}
