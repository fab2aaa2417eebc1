// What every visit to a fresh appliance begins with; the browser is that of the console's own tests.
export { CHROMIUM, FLAGS, launch } from '../../dashboard/web/tests/browser.mjs';

/** The very first login of an appliance: who logs in chooses a password at once. */
export async function firstLogin(page, url, password, chosen) {
  await page.goto(url);
  await page.getByTestId('login-username').fill('admin');
  await page.getByTestId('login-password').fill(password);
  await page.getByTestId('login-submit').click();
  await page.getByTestId('new-password').fill(chosen);
  await page.getByTestId('new-password-repeat').fill(chosen);
  await page.getByTestId('change-password-submit').click();
}
