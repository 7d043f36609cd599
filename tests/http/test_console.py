"""The console page in a real browser."""

import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from vivace_server import PATIENCE_SECONDS, ROOT, Server


@pytest.fixture(scope="module")
def browser():
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.fail("chromium and chromedriver are missing: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                     "--window-size=1200,1100"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    session = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield session
    session.quit()


@pytest.fixture
def page(browser, server):
    browser.get(server.url + "/")
    wait_for(browser, lambda: text(browser, "similarity") != "–")
    yield browser
    errors = [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    assert errors == []


def wait_for(browser, condition):
    WebDriverWait(browser, PATIENCE_SECONDS).until(lambda _: condition())


def text(browser, id):
    return browser.find_element(By.ID, id).text


def fill(browser, id, value):
    area = browser.find_element(By.ID, id)
    area.clear()
    area.send_keys(value)


def test_similarity_tokens_and_timing(page, server, artifacts):
    first, second = server.embed([page.find_element(By.ID, "text-a").get_attribute("value"),
                                  page.find_element(By.ID, "text-b").get_attribute("value")])
    assert float(text(page, "similarity")) == pytest.approx(sum(x * y for x, y in zip(first, second)), abs=1e-3)
    assert text(page, "state") == "minilm: ready"
    assert text(page, "tokens-a").startswith("[CLS]\nthe\norchestra")
    assert "384 values each" in text(page, "dimensions")
    assert [item.text for item in page.find_elements(By.CSS_SELECTOR, "#timing dt")] == [
        "Tokenize", "Queue", "Compute", "Server", "Round trip"]
    assert all(float(item.text) >= 0 for item in page.find_elements(By.CSS_SELECTOR, "#timing dd"))
    page.save_screenshot(str(artifacts / "console-light.png"))
    page.find_element(By.ID, "theme").click()
    page.save_screenshot(str(artifacts / "console-dark.png"))


def test_typing_compares_again(page):
    before = text(page, "similarity")
    fill(page, "text-b", page.find_element(By.ID, "text-a").get_attribute("value"))
    wait_for(page, lambda: text(page, "similarity") == "1.0000" != before)


def test_keyboard_alone(page):
    area = page.find_element(By.ID, "text-a")
    area.clear()
    area.send_keys("tokenization" + Keys.CONTROL + Keys.ENTER)
    wait_for(page, lambda: "##ization" in text(page, "tokens-a"))
    focused = []
    for _ in range(8):
        ActionChains(page).send_keys(Keys.TAB).perform()
        focused.append(page.execute_script("return document.activeElement.id || document.activeElement.textContent"))
    assert focused[0].startswith("[CLS]") and "text-b" in focused  # the tokens, then the next text


def test_ids_on_demand(page):
    assert "101" not in text(page, "tokens-a")
    page.find_element(By.ID, "ids").click()
    assert "101" in text(page, "tokens-a")


def test_long_text_shows_what_is_cut(page):
    fill(page, "text-a", "word " * 300)
    wait_for(page, lambda: "the model sees 256 of them" in text(page, "count-a"))
    assert len(page.find_elements(By.CSS_SELECTOR, "#tokens-a .cut")) == 302 - 256


def test_empty_text_is_explained(page):
    page.find_element(By.ID, "text-a").send_keys(Keys.CONTROL + "a", Keys.DELETE)
    wait_for(page, lambda: "at least one character" in text(page, "message"))


def test_markup_in_texts_stays_text(page):
    fill(page, "text-a", "<img src=x onerror=alert(1)>")
    wait_for(page, lambda: "onerror" in text(page, "tokens-a") or "one" in text(page, "tokens-a"))
    assert page.find_elements(By.CSS_SELECTOR, "main img") == []


def test_everything_has_a_name(page):
    for element in page.find_elements(By.CSS_SELECTOR, "button, textarea, select, input"):
        if element.is_displayed():
            assert element.accessible_name, element.get_attribute("outerHTML")


def test_policy_allows_only_this_page(server):
    policy = server.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe-inline" not in policy and "frame-ancestors 'none'" in policy
    assert "http://" not in server.get("/").text.replace("http://www.w3.org/2000/svg", "")


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    jobs = tmp_path_factory.mktemp("console") / "jobs.db"
    with Server("--detection-jobs-file", str(jobs), models=[f"detector={ROOT / 'tests/golden/detector-deberta'}"]) as server:
        yield server


def test_tabs_by_mouse_keyboard_and_address(page, server):
    page.find_element(By.ID, "tab-detection").click()
    wait_for(page, lambda: page.find_element(By.ID, "detection").is_displayed())
    assert not page.find_element(By.ID, "embeddings").is_displayed() and page.current_url.endswith("#detection")
    page.find_element(By.ID, "tab-detection").send_keys(Keys.ARROW_RIGHT)
    wait_for(page, lambda: not page.find_element(By.ID, "detection").is_displayed())
    page.get(server.url + "/#detection")
    wait_for(page, lambda: page.find_element(By.ID, "tab-detection").get_attribute("aria-selected") == "true")
    page.get(server.url + "/#embeddings")
    wait_for(page, lambda: page.find_element(By.ID, "embeddings").is_displayed())


def test_detection_shades_words(browser, detector, artifacts):
    browser.get(detector.url + "/#detection")
    fill(browser, "detect-text", "Words <b>of</b> two\n\nparagraphs")
    browser.find_element(By.ID, "detect-run").click()
    wait_for(browser, lambda: text(browser, "detect-summary") != "")
    expected = detector.post("/api/v1/predict/sentences", {"sentences": ["Words <b>of</b> two", "paragraphs"]}).json()
    words = browser.find_elements(By.CSS_SELECTOR, "#detect-words .p")
    assert [word.text for word in words] == ["Words", "<b>of</b>", "two", "paragraphs"]
    probabilities = [p for sentence in expected["probabilities"] for p in sentence]
    assert [float(word.get_attribute("title")) for word in words] == probabilities
    assert [word.get_attribute("class") for word in words] == [f"p p{min(9, int(p * 10))}" for p in probabilities]
    assert len(browser.find_elements(By.CSS_SELECTOR, "#detect-legend .p")) == 10
    shades = {swatch.value_of_css_property("background-color")
              for swatch in browser.find_elements(By.CSS_SELECTOR, "#detect-legend .p")}
    assert len(shades) == 10
    browser.save_screenshot(str(artifacts / "console-detection.png"))
    fill(browser, "detect-text", "word " * 351)
    browser.find_element(By.ID, "detect-run").click()
    wait_for(browser, lambda: "the limit is 350" in text(browser, "detect-message"))
    browser.get_log("browser")  # the refused request is logged as an error; later tests start afresh


def test_detection_without_a_detector_says_so(page):
    page.find_element(By.ID, "tab-detection").click()
    page.find_element(By.ID, "detect-run").click()
    wait_for(page, lambda: "--model detector=DIR" in text(page, "detect-message"))
    page.get_log("browser")


def open_tab(browser, server, name):
    """Goes to the tab of a system; a server without its routes does not show it."""
    browser.get(server.url + "/#" + name)
    tab = browser.find_element(By.ID, "tab-" + name)
    if tab.get_attribute("data-route") not in server.get("/openapi.json").json()["paths"]:
        wait_for(browser, lambda: not tab.is_displayed())
        pytest.skip(f"this server has no route {tab.get_attribute('data-route')}")
    wait_for(browser, lambda: browser.find_element(By.ID, name).is_displayed())


def test_impact_shows_factors_and_lane(browser, server, artifacts):
    open_tab(browser, server, "impact")
    browser.find_element(By.ID, "impact-run").click()
    wait_for(browser, lambda: text(browser, "impact-score") != "–")
    message = {"content": browser.find_element(By.ID, "impact-text").get_attribute("value"), "from_agent": "test",
               "tools": ["transfer_funds"]}
    expected = server.post("/api/v1/impact/score", {"message": message}).json()
    assert float(text(browser, "impact-score")) == pytest.approx(expected["score"], abs=2e-3)
    assert [row.text for row in browser.find_elements(By.CSS_SELECTOR, "#impact-factors span")] == [
        "semantic", "permission", "volume", "context", "drift", "priority", "type"]
    assert text(browser, "impact-lane").startswith("lane: ")
    browser.save_screenshot(str(artifacts / "console-impact.png"))
