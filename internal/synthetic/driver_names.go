package synthetic

import "strings"

// What the templates' braces are filled with.
var (
	driverNames = strings.Fields(`
		dwmac rtl8153 smsc95xx vc4 panfrost lima hantro meson-drm ath10k_pci brcmfmac tps6598x axp20x
		cros-ec sun8i-ce omap-rng w25q128 cdns-dsi stm32-adc xhci_hcd r8169`)
	deviceClasses = strings.Fields(`
		mmc usb ethernet i2c spi gpio serial pwm watchdog hdmi dma-controller pcie thermal-sensor rng gpu
		video-codec mailbox crypto`)
	regulators = strings.Fields(`
		vcc_3v3 vdd_cpu VDDIO_AO1V8 vcc5v0_sys DCDC1 LDO7 vdd-gpu AVDD18_AUDIO vqmmc EMMC_3V3 buck2 vdd_arm
		USB_PWR vref`)
	sourceFiles = strings.Fields(`
		drivers/base/dd.c drivers/clk/clk.c drivers/mmc/core/core.c drivers/gpu/drm/drm_drv.c fs/buffer.c
		net/core/dev.c`)
	functions = strings.Fields(`
		dwc3_probe regulator_init_complete pm_genpd_sync_poweroff mmc_rescan phy_attach_direct
		component_bind_all clk_disable_unused of_platform_populate uart_add_one_port drm_dev_register
		snd_soc_bind_card`)
)
