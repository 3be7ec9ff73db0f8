"""Notifications as a technician has them: the page of choices, the title, the browser's notices, the service worker."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from chat import push_keys
from tests.e2e.conftest import Screen
from tests.programs import Desk, desk, until

# The browser's own notices cannot be seen from here, so the constructor is a list.
NOTICES = """
window.avisos = [];
window.Notification = class {
  static permission = "granted";
  static requestPermission = async () => "granted";
  constructor(title, options) { window.avisos.push({ title, ...options }); window.ultimo = this; }
  close() {}
};
"""
# Headless pages are always visible.
HIDE = """
Object.defineProperty(document, "hidden", { get: () => true, configurable: true });
document.dispatchEvent(new Event("visibilitychange"));
"""
SUBSCRIPTION = {
    "endpoint": "https://push.invalid/enviar/abc",
    "keys": {"p256dh": "B" + "A" * 86, "auth": "A" * 22},
}
# What sounds cannot be heard from here, so each note is counted.
NOTES = """
window.notas = 0;
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) { window.notas += 1; start.apply(this, when); };
"""
# There is no push service for a browser in a test: it subscribes to one that does not exist.
SUBSCRIBES = f"""
let own = null;
const made = {{
  options: {{ applicationServerKey: null }},
  toJSON: () => ({json.dumps(SUBSCRIPTION)}),
  unsubscribe: async () => {{ own = null; return true; }},
}};
PushManager.prototype.subscribe = async () => (own = made);
PushManager.prototype.getSubscription = async () => own;
"""


# A browser opens a window only for a real click, so the one that would be opened is told instead.
CLICK = """() => new Promise((resolve, reject) => {
    Clients.prototype.openWindow = async (address) => resolve(address);
    const click = new Event("notificationclick");
    click.notification = { close() {}, data: { url: "/?chat=12" } };
    click.waitUntil = (done) => done.then(() => reject(new Error("no window was opened")), reject);
    self.dispatchEvent(click);
})"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Desk]:
    public, private = push_keys.make_keys()
    keys = {"PUSH_CLAVE_PUBLICA": public, "PUSH_CLAVE_PRIVADA": private, "PUSH_CONTACTO": "mailto:s@example.org"}
    with desk(tmp_path_factory.mktemp("avisos"), **keys) as started:
        yield started


@pytest.fixture(autouse=True)
def plain_wishes(running: Desk) -> None:
    """Each test starts from what nobody has chosen yet, with everything read."""
    for ticket in running.get("/avisos/pendientes")["tickets"]:
        running.post(f"/ticket/{ticket['id']}/leido", {"hasta": ticket["ultimo"]}).raise_for_status()
    body = {"sonido": False, "navegador": False, "texto": False, "cuales": "mios_y_sin_asignar", "silencio": None}
    running.post("/avisos/preferencias", body).raise_for_status()


def avisos(page: Page, running: Desk) -> None:
    page.goto(f"{running.url}/avisos")


def test_a_message_that_comes_while_one_looks_elsewhere_is_in_the_title_and_a_notice_whose_click_opens_the_chat(
    screen: Screen, running: Desk, phone: str
) -> None:
    running.post("/avisos/preferencias", {"navegador": True}).raise_for_status()
    page = screen.page
    page.add_init_script(NOTICES)
    page.reload()
    page.evaluate(HIDE)
    icon = page.locator("link[rel=icon]")
    expect(icon).to_have_attribute("href", re.compile("/favicon.svg$"))
    running.write(phone, "Mi laptop no enciende", nombre="Lucía Prado")
    until(lambda: page.evaluate("window.avisos.length"))
    ticket = running.ticket_of(phone)
    (notice,) = page.evaluate("window.avisos")
    assert (notice["title"], notice["body"]) == ("Lucía Prado escribió", f"Ticket #{ticket}")
    expect(page).to_have_title("(1) Tickets · Chat en Vivo")
    expect(icon).to_have_attribute("href", re.compile("/favicon-aviso.svg$"))
    # The page is on the screen again before it opens.
    page.evaluate("Object.defineProperty(document, 'hidden', { get: () => false }); window.ultimo.onclick()")
    expect(screen.panel()).to_contain_text("Mi laptop no enciende")
    assert page.url.endswith(f"?chat={ticket}")
    expect(page).to_have_title("Tickets · Chat en Vivo")  # what is read is news no more
    expect(icon).to_have_attribute("href", re.compile("/favicon.svg$"))


def test_with_the_desk_on_the_screen_in_another_tab_or_in_quiet_hours_there_is_only_the_number(
    screen: Screen, running: Desk, phone: str, context: BrowserContext
) -> None:
    running.post("/avisos/preferencias", {"navegador": True}).raise_for_status()
    page = screen.page
    page.add_init_script(NOTICES)
    page.reload()
    page.evaluate(HIDE)
    other = context.new_page()
    avisos(other, running)
    running.write(phone, "hola")
    expect(other).to_have_title("(1) Avisos · Chat en Vivo")
    expect(page).to_have_title("(1) Tickets · Chat en Vivo")
    other.close()
    running.post("/avisos/preferencias", {"silencio": {"desde": "00:00", "hasta": "23:59"}}).raise_for_status()
    running.write("+524779990001", "hola")
    expect(page).to_have_title("(2) Tickets · Chat en Vivo")
    assert page.evaluate("window.avisos") == []


def test_a_message_sounds_once_however_many_tabs_there_are(
    screen: Screen, running: Desk, phone: str, context: BrowserContext
) -> None:
    running.post("/avisos/preferencias", {"sonido": True}).raise_for_status()
    tabs = [screen.page, context.new_page()]
    for tab in tabs:
        tab.add_init_script(NOTES)
        tab.goto(running.url)
        tab.locator("h1").click(force=True)  # a browser lets a page sound only after that
    running.write(phone, "hola")
    for tab in tabs:
        expect(tab).to_have_title("(1) Tickets · Chat en Vivo")
    until(lambda: sum(tab.evaluate("window.notas") for tab in tabs))
    assert sorted(tab.evaluate("window.notas") for tab in tabs) == [0, 2]


def test_what_the_stream_did_not_tell_of_is_a_notice_once_it_says_that_something_may_have_been_missed(
    screen: Screen, running: Desk, phone: str
) -> None:
    running.post("/avisos/preferencias", {"navegador": True}).raise_for_status()
    page = screen.page
    page.add_init_script(NOTICES)
    page.add_init_script("addEventListener('vivo:aviso', (lost) => lost.stopImmediatePropagation())")
    page.reload()
    expect(page.locator("#estado-lista")).to_have_text("Al día · en vivo")
    page.evaluate(HIDE)
    running.write(phone, "hola")
    until(lambda: running.get("/avisos/pendientes")["tickets"])
    page.evaluate("dispatchEvent(new CustomEvent('vivo:todo'))")
    until(lambda: page.evaluate("window.avisos.length"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_choices_are_saved_as_they_are_made_and_go_back_when_they_were_not(
    screen: Screen, running: Desk, scheme: str
) -> None:
    page = screen.page
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.locator("details.menu summary").click()
    page.get_by_role("link", name="Avisos").click()
    page.get_by_label("Sonido", exact=True).check()
    saved = page.locator("#avisos-guardado")
    expect(saved).to_have_text("Guardado")
    page.get_by_label("Sólo mis tickets").check()
    page.get_by_label("No molestar en estas horas").check()
    # «Guardado» already stands there, of the choice before.
    with page.expect_response(lambda answer: "21:30" in (answer.request.post_data or "")):
        page.get_by_label("Desde").fill("21:30")
    expect(saved).to_have_text("Guardado")
    page.reload()
    expect(page.get_by_label("Sonido", exact=True)).to_be_checked()
    expect(page.get_by_label("Sólo mis tickets")).to_be_checked()
    expect(page.get_by_label("Desde")).to_have_value("21:30")
    page.get_by_role("button", name="Oír").click()
    page.get_by_label("Avisos del navegador").check()
    screen.picture(f"avisos-{scheme}")
    page.set_viewport_size({"width": 390, "height": 844})
    page.screenshot(path=screen.pictures / f"avisos-telefono-{scheme}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.route("**/avisos/preferencias", lambda route: route.abort())
    page.get_by_label("Mostrar lo que escribió").check(force=True)
    expect(saved).to_have_text("Sin guardar")
    expect(page.get_by_label("Mostrar lo que escribió")).not_to_be_checked()
    expect(page.locator("#avisos-error")).to_have_text("Sin conexión con el servidor.")


def test_a_choice_is_saved_after_the_one_before_it(screen: Screen, running: Desk) -> None:
    page = screen.page
    avisos(page, running)
    asked: list[Route] = []
    page.route("**/avisos/preferencias", lambda route: (asked.append(route), len(asked) > 1 and route.continue_()))
    with page.expect_request("**/avisos/preferencias"):
        page.get_by_label("Sonido", exact=True).click()
    page.get_by_label("Mostrar lo que escribió").click()
    (first,) = asked
    with page.expect_response(lambda answer: "texto" in (answer.request.post_data or "")):
        first.continue_()
    expect(page.locator("#avisos-guardado")).to_have_text("Guardado")


def test_a_browser_that_blocks_notices_says_how_to_allow_them(screen: Screen, running: Desk) -> None:
    page = screen.page
    page.add_init_script('window.Notification = class { static permission = "denied"; };')
    avisos(page, running)
    page.get_by_label("Avisos del navegador").check()
    expect(page.locator("#nota-navegador")).to_contain_text("candado junto a la dirección")
    expect(page.locator("#nota-push")).to_contain_text("candado junto a la dirección")
    expect(page.get_by_role("button", name="Activar aquí")).not_to_be_visible()
    screen.picture("avisos-bloqueado")


def test_an_iphone_is_told_to_add_the_desk_to_its_home_screen(browser: Browser, screen: Screen, running: Desk) -> None:
    agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"
    context = browser.new_context(user_agent=agent, viewport={"width": 390, "height": 844})
    context.add_cookies(screen.page.context.cookies())  # type: ignore[arg-type]
    page = context.new_page()
    page.add_init_script("delete window.PushManager; delete window.Notification;")
    avisos(page, running)
    expect(page.locator("#nota-push")).to_contain_text("Agregar a inicio")
    page.screenshot(path=screen.pictures / "avisos-iphone.png", full_page=True)
    context.close()


def test_a_device_is_activated_tried_and_removed_on_the_page(
    screen: Screen, running: Desk, context: BrowserContext
) -> None:
    context.grant_permissions(["notifications"], origin=running.url)
    page = screen.page
    page.add_init_script(SUBSCRIBES)
    avisos(page, running)
    page.get_by_role("button", name="Activar aquí").click()
    expect(page.locator("#este-dispositivo")).to_have_text("Este dispositivo recibe avisos.")
    device = page.locator("#dispositivos li")
    expect(device).to_contain_text("Este dispositivo · desde")
    device.get_by_role("button", name="Probar").click()
    expect(page.locator("#dispositivos li")).to_contain_text("El servicio de push no contesta.")
    screen.picture("avisos-dispositivo")
    page.locator("#dispositivos li").get_by_role("button", name="Quitar").click()
    expect(page.locator("#dispositivos li")).to_have_count(0)
    expect(page.get_by_role("button", name="Activar aquí")).to_be_visible()


def test_the_service_worker_shows_a_push_unless_the_desk_is_on_the_screen(
    screen: Screen, running: Desk, context: BrowserContext
) -> None:
    context.grant_permissions(["notifications"], origin=running.url)
    page = screen.page
    cdp = context.new_cdp_session(page)
    found: list[str] = []
    cdp.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: found.extend(one["registrationId"] for one in event["registrations"]),
    )
    cdp.send("ServiceWorker.enable")
    page.evaluate("navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready).then(() => 0)")

    def push(**said: object) -> None:
        body = {"origin": running.url, "registrationId": found[0], "data": json.dumps(said)}
        cdp.send("ServiceWorker.deliverPushMessage", body)

    seen = """() => navigator.serviceWorker.getRegistration().then((one) => one.getNotifications())
        .then((notes) => notes.map(({ title, body, tag, data }) => ({ title, body, tag, url: data.url })))"""
    push(titulo="Juan escribió", cuerpo="Ticket #12", etiqueta="ticket-12", url="/?chat=12")
    push(titulo="Prueba de avisos", cuerpo="Así", etiqueta="prueba", url="/avisos", siempre=True)
    assert until(lambda: page.evaluate(seen)) == [
        {"title": "Prueba de avisos", "body": "Así", "tag": "prueba", "url": "/avisos"}
    ]


def test_a_click_on_a_push_opens_a_window_where_no_tab_shows_the_table(
    screen: Screen, running: Desk, context: BrowserContext
) -> None:
    avisos(screen.page, running)
    ready = "navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready).then(() => 0)"
    screen.page.evaluate(ready)
    worker = until(lambda: context.service_workers and context.service_workers[0])
    assert worker.evaluate(CLICK) == f"{running.url}/?chat=12"
