// What makes the pages more comfortable; each of them works without it.
'use strict';

// A button on each command copies it.
for (const command of document.querySelectorAll('.command')) {
  const code = command.querySelector('code');
  const button = document.createElement('button');
  const label = 'Copy';
  button.type = 'button';
  button.textContent = label;
  button.setAttribute('aria-label', 'Copy: ' + code.textContent);
  button.addEventListener('click', async () => {
    const isCopied = await copy(code);
    button.textContent = isCopied ? 'Copied' : 'Selected';
    announce(isCopied ? 'Copied to the clipboard' : 'Selected');
    setTimeout(() => { button.textContent = label; }, 2000);
  });
  command.append(button);
}

// Over plain HTTP there is no clipboard object: then the selection is copied as the keyboard would.
async function copy(element) {
  try {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(element.textContent);
      return true;
    }
  } catch { /* refused: the selection may still be allowed */ }
  getSelection().selectAllChildren(element);
  return document.execCommand('copy');
}

// Lists that fit on one page are filtered while typing; the form behind it asks the server.
for (const input of document.querySelectorAll('input[data-filters]')) {
  const rows = document.querySelectorAll('#' + input.dataset.filters + ' [data-name]');
  input.addEventListener('input', () => {
    const wanted = input.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      row.hidden = wanted !== '' && !row.dataset.name.toLowerCase().includes(wanted);
      if (!row.hidden) shown++;
    }
    announce(shown + ' shown');
  });
}

// The theme changes at once; the form would reload the page.
for (const form of document.querySelectorAll('form.theme')) {
  form.addEventListener('submit', event => {
    event.preventDefault();
    const root = document.documentElement;
    const systemDark = matchMedia('(prefers-color-scheme: dark)').matches;
    const isDark = root.dataset.theme ? root.dataset.theme === 'dark' : systemDark;
    root.dataset.theme = isDark ? 'light' : 'dark';
    document.cookie = 'berth-theme=' + root.dataset.theme + ';path=/;max-age=31536000;samesite=lax';
    announce(root.dataset.theme === 'dark' ? 'Dark' : 'Light');
  });
}

// The account menu closes as menus do.
for (const menu of document.querySelectorAll('details.account')) {
  document.addEventListener('click', event => { if (!menu.contains(event.target)) menu.open = false; });
  menu.addEventListener('keydown', event => {
    if (event.key !== 'Escape' || !menu.open) return;
    menu.open = false;
    menu.querySelector('summary').focus();
  });
}

// "/" leads to the search, as on other sites, unless one is typing.
document.addEventListener('keydown', event => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest('input, textarea, select')) return;
  const search = document.querySelector('input[type="search"]');
  if (search) { event.preventDefault(); search.focus(); }
});

function announce(text) {
  const status = document.getElementById('status');
  if (status) status.textContent = text;
}
